import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A mark of the machine: process numbers are comparable only below the same one. Containers each have their own. */
export const hostMark: string = createHash("sha256")
  .update(`${hostname()}\n${processSpace()}`)
  .digest("hex")
  .slice(0, 6);

/** The name of this process's numbering of processes, where the system has several. */
function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** What the system says of a process after its name, its state first; undefined where it says nothing. */
function factsOf(pid: number): readonly string[] | undefined {
  try {
    const about = readFileSync(`/proc/${pid}/stat`, "utf8");
    return about.slice(about.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** When a process began, in ticks since the system did; undefined where the system does not say. */
export const beginningOf = (pid: number): string | undefined => factsOf(pid)?.[19];

/**
 * Whether a process of this machine lives; one that may not be asked does. One that has ended and that nobody has waited
 * for (its parent was killed, and the container's first process waits for none) still has its number, and does not live.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const [state] = factsOf(pid) ?? [];
  return state !== "Z" && state !== "X";
}
