import { isKdcError, KdcError } from "@kdc-mae/core";

const known: Readonly<Record<string, readonly [what: string, remedy: string, reason: string]>> = {
  ENOENT: ["there is no such file or folder", "Check the path", "missing"],
  ENOTDIR: ["a part of the path is not a folder", "Check the path", "missing"],
  EISDIR: ["it is a folder, not a file", "Give a file", "unreadable"],
  EACCES: ["permission denied", "Check who may read and write it", "permission"],
  EPERM: ["permission denied", "Check who may read and write it", "permission"],
  EROFS: ["the file system is read-only", "Give a folder that can be written", "permission"],
  ENOSPC: ["the disk is full", "Free some space and run the same command again; finished shards are kept", "disk-full"],
  EDQUOT: ["your disk quota is used up", "Free some space and run the same command again", "disk-full"],
  EMFILE: ["too many files are open", "Raise the limit (ulimit -n), or use fewer workers", "too-many-files"],
};

/** What went wrong with a file, in words; an error that already has its words is left as it is. */
export function fileError(verb: "read" | "write", path: string, cause: unknown): KdcError {
  if (isKdcError(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const [what, remedy, reason] = known[code ?? ""] ?? [message ?? String(cause), "Check the disk", "file"];
  return new KdcError({ where: `${verb} ${path}`, what, remedy, reason, cause });
}
