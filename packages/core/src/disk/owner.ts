import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
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

/** Whether a process of this machine lives; one that may not be asked does. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
