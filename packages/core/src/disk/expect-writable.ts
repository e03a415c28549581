import { rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError } from "./file-error.js";
import { makeFolder } from "./file-system.js";
import { temporaryName } from "./temporary.js";

/**
 * Makes a folder, and makes sure that something can be written there: asked before long work whose result goes there.
 *
 * @throws KdcError reason `permission`, `disk-full`, `missing` …
 */
export async function expectWritable(folder: string): Promise<void> {
  await makeFolder(folder);
  const path = temporaryName(join(folder, "trial"));
  try {
    await writeFile(path, "kdc-mae tries whether it can write here\n");
  } catch (error) {
    throw fileError("write", folder, error);
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

/**
 * The same for a file that is to be written whole: its folder can be written, and no folder has its name.
 *
 * @throws KdcError reason `permission`, `disk-full`, `missing`, `unreadable` …
 */
export async function expectWritableFile(path: string): Promise<void> {
  const about = await stat(path).catch(() => undefined);
  if (about?.isDirectory()) throw fileError("write", path, { code: "EISDIR" });
  await expectWritable(dirname(path));
}
