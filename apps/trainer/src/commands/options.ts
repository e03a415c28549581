import { resolve } from "node:path";

/** Commander's way of letting an option be given several times. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** Says that a run was stopped and can go on, and sets the exit code a shell gives an interrupt. */
export function saysStopped(folder: string): void {
  process.stderr.write(`stopped; the same command goes on from here (${resolve(folder)})\n`);
  process.exitCode = 130;
}
