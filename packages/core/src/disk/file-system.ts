import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "./file-error.js";

/** An open file that grows at its end. */
export type GrowingFile = {
  /** Puts bytes at its end. */
  write(bytes: Uint8Array): Promise<unknown>;
  /** Comes back when everything written is on the disk. */
  sync(): Promise<void>;
  /** Lets the file go. */
  close(): Promise<void>;
};

/** What writing needs of a disk, so that a failing one can be put in its place. */
export type FileSystem = {
  /** A new, empty file; what stood there is gone. */
  open(path: string): Promise<GrowingFile>;
  /** Gives a file another name, in the place of what has it. */
  rename(from: string, to: string): Promise<void>;
  /** Takes a file away; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** Makes a folder and those above it. */
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

/**
 * Makes a folder and those above it.
 *
 * @throws KdcError reason `permission`, `disk-full` …
 *
 * @example
 * ```ts
 * import { makeFolder } from "@kdc-mae/core/node";
 *
 * await makeFolder("runs/base/seed-1"); // makes runs and runs/base too; nothing happens where they are there
 * ```
 */
export async function makeFolder(path: string, files: FileSystem = disk): Promise<void> {
  await files.makeFolder(path).catch((error) => {
    throw fileError("write", path, error);
  });
}
