import { open, rename, rm } from "node:fs/promises";
import { KdcError } from "@kdc-mae/core";

/**
 * Writes a file so that it is either the whole new content or what was there before: temporary name, fsync, rename.
 *
 * @throws KdcError when the disk is full or the folder cannot be written
 */
export async function atomicWrite(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const code = (cause as NodeJS.ErrnoException).code ?? "error";
    throw new KdcError({
      where: `write ${path}`,
      what: code === "ENOSPC" ? "the disk is full" : `the file cannot be written (${code})`,
      remedy:
        code === "ENOSPC" ? "Free some space and run the same command again" : "Check the folder and its permissions",
      reason: code === "ENOSPC" ? "disk-full" : "unwritable",
      cause,
    });
  }
}
