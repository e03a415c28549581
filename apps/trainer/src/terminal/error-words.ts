import { isKdcError, KdcError } from "@kdc-mae/core";
import { availableMemory, fileError } from "@kdc-mae/core/node";

/** What JavaScript, Node's buffers and ONNX Runtime say when there is no memory left. */
const outOfMemory =
  /Array buffer allocation failed|Invalid (typed )?array (buffer )?length|bad[_ ]alloc|Failed to allocate memory|Cannot create a string longer|ENOMEM|out of memory/i;

/**
 * A failure as an error with words where it is one of the machine's: a disk, a path, memory. A fault of the program
 * stays as it is, stack and all, to be reported.
 */
export function inErrorWords(error: unknown): unknown {
  if (isKdcError(error) || !(error instanceof Error) || error.name === "AbortError") return error;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (outOfMemory.test(error.message) || code === "ERR_WORKER_OUT_OF_MEMORY" || code === "ENOMEM") {
    const gib = (availableMemory() / 2 ** 30).toFixed(1);
    return new KdcError({
      where: "memory",
      what: `it ran out (${error.message.split("\n")[0]}); this process may use ${gib} GiB`,
      remedy:
        "Take a smaller training.batch with more training.accumulate, prepared shards instead of clips in memory, or a smaller model; pretrain --dry-run estimates what a run takes",
      reason: "memory",
      cause: error,
    });
  }
  if (code !== undefined && path !== undefined) {
    const writing = /open|mkdir|write|rename|link|unlink|rmdir|fsync|chmod/.test(syscall ?? "");
    return fileError(writing && code !== "ENOENT" ? "write" : "read", path, error);
  }
  return code === "ENOSPC" || code === "EDQUOT" ? fileError("write", "a file", error) : error;
}
