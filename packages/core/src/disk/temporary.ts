import { randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { hostMark, isAlive } from "./owner.js";

const form = /\.(\d+)-([0-9a-f]{6})-[0-9a-f]{12}\.tmp$/;

/**
 * A name beside `path` that nobody else has: process, machine and a random number are in it. {@link hold} it while it is
 * written under: a sweep of this very process would take it away.
 */
export const temporaryName = (path: string): string =>
  `${path}.${process.pid}-${hostMark}-${randomBytes(6).toString("hex")}.tmp`;

/** Names that this process is writing under now. */
const inUse = new Set<string>();

/** Keeps a name from {@link sweepTemporaries} until it is let go, by what this returns. */
export function hold(path: string): () => void {
  inUse.add(path);
  return () => inUse.delete(path);
}

/** After a day without a byte even a writer on another machine is taken for dead. */
const abandonedMs = 24 * 60 * 60 * 1000;

/**
 * Removes the temporary files that killed processes left in a folder: those of dead processes of this machine, and
 * those of any machine that did not grow for a day before `now`. Other files are left alone, and so is everything where
 * the folder cannot be read or written.
 *
 * @param now of the folder's clock, ms; the time of the newest file there by default
 * @returns the names that were removed
 */
export async function sweepTemporaries(folder: string, now?: number): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => form.test(name));
  if (names.length === 0) return [];
  const times = new Map<string, number>();
  for (const name of names) {
    const about = await stat(join(folder, name)).catch(() => undefined);
    if (about) times.set(name, about.mtimeMs);
  }
  const latest = now ?? Math.max((await stat(folder)).mtimeMs, ...times.values());
  const removed: string[] = [];
  for (const [name, time] of times) {
    const [, pid, host] = form.exec(name)!;
    const here = host === hostMark;
    const dead = here && (Number(pid) === process.pid ? !inUse.has(join(folder, name)) : !isAlive(Number(pid)));
    if (!dead && latest - time < abandonedMs) continue;
    if (here && inUse.has(join(folder, name))) continue;
    await rm(join(folder, name), { force: true }).then(
      () => removed.push(name),
      () => undefined,
    );
  }
  return removed;
}
