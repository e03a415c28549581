import { stat } from "node:fs/promises";
import { fileError } from "./file-error.js";
import { disk, type FileSystem } from "./file-system.js";
import { hold, temporaryName } from "./temporary.js";

/** A file that is being written under a passing name; it gets its own only when it is whole. */
export type PendingFile = {
  /** Puts bytes at its end. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Brings everything to the disk and gives the file its name.
   *
   * @param check reads the file under its passing name first; when it throws, what stood there before stays
   */
  finish(check?: (path: string) => Promise<unknown>): Promise<void>;
  /** Takes the passing file away. Safe at any time. */
  discard(): Promise<void>;
};

/**
 * Begins a file that nobody sees before it is whole: a temporary name of its own, fsync, rename, fsync of the folder.
 *
 * @throws KdcError reason `disk-full`, `permission`, `missing` … from each of its steps
 */
export async function beginFile(path: string, files: FileSystem = disk): Promise<PendingFile> {
  // A device or a pipe (/dev/stdout) is written into: a file put in its place would be its end.
  const direct = await stat(path).then(
    (about) => !about.isFile() && !about.isDirectory(),
    () => false,
  );
  const passing = direct ? path : temporaryName(path);
  const letGo = hold(passing);
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError("write", path, error);
    }
  };
  const file = await told(() => files.open(passing)).catch((error) => {
    letGo();
    throw error;
  });
  let open = true;
  const close = async () => {
    if (open) await file.close();
    open = false;
  };
  return {
    write: (bytes) => told(async () => void (await file.write(bytes))),
    finish: (check) =>
      told(async () => {
        if (!direct) await file.sync();
        await close();
        await check?.(passing);
        if (!direct) await files.rename(passing, path);
        letGo();
      }),
    discard: async () => {
      await close().catch(() => undefined);
      if (!direct) await files.remove(passing).catch(() => undefined);
      letGo();
    },
  };
}

/** What a file is made of: text, bytes, or pieces that may still be coming. */
export type Content = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a whole file as {@link beginFile} does: a reader sees what was there before or all of the new content.
 *
 * @throws KdcError reason `disk-full`, `permission`, `missing` …; whatever making the pieces throws; either way what
 *   stood there before is untouched and nothing is left beside it
 *
 * @example
 * ```ts
 * import { makeFolder, writeWhole } from "@kdc-mae/core/node";
 *
 * await makeFolder("runs/base");
 * await writeWhole("runs/base/result.json", JSON.stringify({ accuracy: 0.5 }));
 * ```
 */
export async function writeWhole(path: string, content: Content, files: FileSystem = disk): Promise<void> {
  const file = await beginFile(path, files);
  try {
    if (typeof content === "string") await file.write(new TextEncoder().encode(content));
    else if (content instanceof Uint8Array) await file.write(content);
    else for await (const piece of content) await file.write(piece);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
