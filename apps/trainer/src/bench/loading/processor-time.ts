import { readFile } from "node:fs/promises";

/** Ticks of a second in which Linux counts processor time for programs. */
const TICKS = 100;

/**
 * Processor seconds of this process and of the children it has waited for, user and system; undefined where the system
 * does not say (only Linux does, in /proc).
 */
export async function processorSeconds(): Promise<number | undefined> {
  const text = await readFile("/proc/self/stat", "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  // The program's name, in parentheses, may hold spaces; utime, stime, cutime, cstime are the 14th to 17th fields.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}
