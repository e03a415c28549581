import { isAbsolute, resolve } from "node:path";
import { isKdcError, KdcError } from "../error.js";

type Words = readonly [what: string, remedy: string, reason: string];
const again = "Free some space and run the same command again; what was finished is kept";

const known: Readonly<Record<string, Words>> = {
  ENOENT: ["there is no such file or folder", "Check the path", "missing"],
  EEXIST: ["there is something else of that name", "Give another name, or move it away", "name"],
  ENOTDIR: ["a part of the path is not a folder", "Check the path", "missing"],
  EISDIR: ["it is a folder, not a file", "Give a file", "unreadable"],
  EACCES: ["permission denied", "Check who may read and write it", "permission"],
  EPERM: ["permission denied", "Check who may read and write it", "permission"],
  EROFS: ["the file system is read-only", "Give a folder that can be written", "permission"],
  ENOSPC: ["the disk is full", again, "disk-full"],
  EDQUOT: ["your disk quota is used up", again, "disk-full"],
  EFBIG: ["the file grew beyond what the file system or your limits allow", "Look at ulimit -f", "disk-full"],
  EIO: ["the disk failed", "Look at the system's log; what was written before may be damaged too", "disk"],
  EMFILE: ["too many files are open", "Raise the limit (ulimit -n), or use fewer workers", "too-many-files"],
  ENFILE: ["too many files are open", "Raise the system's limit, or use fewer workers", "too-many-files"],
  ENAMETOOLONG: ["its name is too long", "Give a shorter one", "name"],
  ELOOP: ["its links lead in a circle", "Check the path", "missing"],
};

const missingFolder: Words = [
  "the folder it would lie in does not exist",
  "Make the folder, or check the path",
  "missing",
];

/**
 * What went wrong with a file, in words; an error that already has its words is left as it is.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { fileError } from "@kdc-mae/core/node";
 *
 * const text = await readFile("labels.csv", "utf8").catch((error) => {
 *   throw fileError("read", "labels.csv", error);
 * });
 * ```
 */
export function fileError(verb: "read" | "write", path: string, cause: unknown): KdcError {
  if (isKdcError(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const words = verb === "write" && code === "ENOENT" ? missingFolder : known[code ?? ""];
  const [what, remedy, reason] = words ?? [message ?? String(cause), "Check the disk", "file"];
  // In an experiment, or from another folder, a relative path may stand for another place than was meant.
  const place = reason === "missing" && !isAbsolute(path) ? `, which stands for ${resolve(path)}` : "";
  return new KdcError({ where: `${verb} ${path}`, what, remedy: `${remedy}${place}`, reason, doing: verb, cause });
}
