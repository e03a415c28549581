import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { fileError } from "./file-error.js";

/**
 * SHA-256 of a file, hex, read as a stream.
 *
 * @throws KdcError reason `missing`, `permission` …; the signal's reason when stopped
 */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    const pieces = createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>;
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      hash.update(piece);
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    throw fileError("read", path, error);
  }
  return hash.digest("hex");
}
