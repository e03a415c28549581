import { link, open, readFile, rm } from "node:fs/promises";
import { hold, temporaryName } from "./temporary.js";
import { writeWhole } from "./whole-file.js";

/** Makes a file of another one's content, in one step where the file system can; false when there is one. */
export async function placeNew(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(code ?? "")) throw error;
  }
  try {
    const file = await open(path, "wx");
    await file.writeFile(await readFile(from)).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Writes a file that is not there yet, whole, as one of many that try; false when there is one. */
export async function writeNew(path: string, content: string): Promise<boolean> {
  const draft = temporaryName(path);
  // Whoever sweeps the folder meanwhile would take it for one that was left behind.
  const letGo = hold(draft);
  try {
    await writeWhole(draft, content);
    return await placeNew(draft, path);
  } finally {
    await rm(draft, { force: true });
    letGo();
  }
}
