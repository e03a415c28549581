import { rename, writeFile } from "node:fs/promises";

/** Writes a whole file under a passing name, then gives it its own: a reader never sees half of it. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const passing = `${path}.${process.pid}.tmp`;
  await writeFile(passing, content);
  await rename(passing, path);
}
