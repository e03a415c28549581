import { statfs } from "node:fs/promises";
import { type FloatTensor, KdcError, type Tree, treeLeaves } from "@kdc-mae/core";

/** Bytes of all arrays in some trees. */
export const bytesIn = (...trees: readonly Tree<FloatTensor>[]): number =>
  trees.flatMap((tree) => treeLeaves(tree)).reduce((sum, [, { data }]) => sum + data.byteLength, 0);

/** Bytes a process without privileges may still write there. */
export const freeSpace = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e8 ? 4 : 2)} GB`;

/**
 * Asks for space before anything is written.
 *
 * @param what is to be written, in words
 * @throws KdcError (reason `disk-full`) when there is less than `bytes`
 */
export async function expectSpace(
  folder: string,
  bytes: number,
  what: string,
  free: (folder: string) => Promise<number> = freeSpace,
): Promise<void> {
  const left = await free(folder);
  if (left >= bytes) return;
  throw new KdcError({
    where: `write ${folder}`,
    what: `${what} ${gigabytes(bytes)} and ${gigabytes(left)} are free`,
    remedy: "Free some space, or give a folder on another disk with --out",
    reason: "disk-full",
  });
}
