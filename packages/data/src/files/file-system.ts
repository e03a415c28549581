import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "./file-error.js";

/** An open file that grows at its end. */
export type GrowingFile = { write(bytes: Uint8Array): Promise<unknown>; sync(): Promise<void>; close(): Promise<void> };

/** What preparing needs of a disk, so that a failing one can be put in its place. */
export type FileSystem = {
  open(path: string): Promise<GrowingFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** Undefined when there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /** Bytes in a file; undefined when there is none. */
  sizeOf(path: string): Promise<number | undefined>;
};

/** The real disk. */
export const disk: FileSystem = {
  async open(path) {
    const file = await open(path, "w");
    return { write: (bytes) => file.writeFile(bytes), sync: () => file.sync(), close: () => file.close() };
  },
  rename: async (from, to) => {
    await rename(from, to);
    // The name itself is safe only when its folder has reached the disk; not every system can do that.
    const folder = await open(dirname(to), "r").catch(() => undefined);
    await folder?.sync().catch(() => undefined);
    await folder?.close();
  },
  remove: (path) => rm(path, { force: true }),
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true }).catch(async (error: NodeJS.ErrnoException) => {
      // Node says ENOENT on a read-only file system; making one folder at a time says what is wrong.
      if (error.code !== "ENOENT" || dirname(path) === path) throw error;
      await disk.makeFolder(dirname(path));
      await mkdir(path);
    });
  },
  readText: (path) =>
    readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw fileError("read", path, error);
    }),
  sizeOf: (path) =>
    stat(path).then(
      ({ size }) => size,
      () => undefined,
    ),
};

/** A file that is being written under a passing name; it gets its own only when it is whole. */
export type PendingFile = {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
};

/**
 * Begins a file that nobody sees before it is whole: temporary name, fsync, rename.
 *
 * @throws KdcError reason `disk-full`, `permission` … from each of its steps
 */
export async function beginFile(path: string, files: FileSystem = disk): Promise<PendingFile> {
  const passing = `${path}.tmp`;
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError("write", path, error);
    }
  };
  const file = await told(() => files.open(passing));
  return {
    write: (bytes) =>
      told(async () => {
        await file.write(bytes);
      }),
    finish: () =>
      told(async () => {
        await file.sync();
        await file.close();
        await files.rename(passing, path);
      }),
    discard: async () => {
      await file.close().catch(() => undefined);
      await files.remove(passing).catch(() => undefined);
    },
  };
}

/** Writes a whole file at once, as {@link beginFile} does. */
export async function writeWholeFile(
  path: string,
  content: string | Uint8Array,
  files: FileSystem = disk,
): Promise<void> {
  const file = await beginFile(path, files);
  try {
    await file.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
