import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { KdcError } from "../error.js";
import { fileError } from "./file-error.js";
import { makeFolder } from "./file-system.js";
import { beginningOf, hostMark, isAlive } from "./owner.js";
import { placeNew } from "./place-new.js";
import { hold, temporaryName } from "./temporary.js";

/** The file that says who writes in a folder. */
export const lockFile = (folder: string): string => join(folder, ".kdc-mae.lock");

/** Who holds a lock. */
type Owner = {
  readonly pid: number;
  /** In words, for people. */
  readonly host: string;
  /** Below which process numbers are comparable. */
  readonly mark: string;
  /** When the process began, as the system counts; tells it from a later one of the same number. */
  readonly began?: string;
  readonly token: string;
};

/** How often a holder says that it lives, and after how long a silent one of another machine is taken for dead. */
const beatMs = 15_000;
const silentMs = 5 * 60_000;

/** Whether the owner is surely gone. `silence`: ms since it last said that it lives, by the folder's clock. */
function isGone(owner: Owner | undefined, silence: number): boolean {
  if (owner?.mark !== hostMark) return silence > silentMs;
  if (!isAlive(owner.pid)) return true;
  const began = beginningOf(owner.pid);
  return began !== undefined && owner.began !== undefined && began !== owner.began;
}

async function ownerIn(path: string): Promise<Owner | undefined> {
  try {
    const owner = JSON.parse(await readFile(path, "utf8")) as Owner;
    return Number.isInteger(owner.pid) && typeof owner.token === "string" ? owner : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes a dead owner's lock away. Only who holds the gate may, and looks again inside it, so that of several that saw the
 * same dead owner none takes away the lock that another has placed since.
 */
async function clear(path: string, draft: string): Promise<void> {
  const gate = `${path}.gate`;
  if (!(await placeNew(draft, gate))) {
    // Killed in the gate: nobody else will open it.
    if (await isStale(gate, draft)) await rm(gate, { force: true });
    else await pause(5);
    return;
  }
  try {
    if (await isStale(path, draft)) await rm(path, { force: true });
  } finally {
    await rm(gate, { force: true });
  }
}

/** Whether a lock is there whose owner is surely gone; the draft was just written, so its time is the folder's clock. */
async function isStale(path: string, draft: string): Promise<boolean> {
  const held = await stat(path).catch(() => undefined);
  if (held === undefined) return false;
  return isGone(await ownerIn(path), (await stat(draft)).mtimeMs - held.mtimeMs);
}

const locked = (folder: string, owner: Owner | undefined): KdcError =>
  new KdcError({
    where: `folder ${folder}`,
    what:
      owner === undefined
        ? "another run is writing in it"
        : `another run is writing in it (process ${owner.pid} on ${owner.host})`,
    remedy: `Wait for it, or give another folder; if there is surely none, delete ${lockFile(folder)}`,
    reason: "locked",
  });

/**
 * Makes this the only writer of a folder, which is made where it is missing. A lock whose process is gone is taken
 * over; on another machine, one that was silent for five minutes.
 *
 * @returns a function that lets go
 * @throws KdcError reason `locked` when somebody else writes there; `permission`, `disk-full` … when it cannot be written
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await makeFolder(folder);
  const path = lockFile(folder);
  const own: Owner = {
    ...{ pid: process.pid, host: hostname(), mark: hostMark, token: randomBytes(12).toString("hex") },
    began: beginningOf(process.pid),
  };
  const draft = temporaryName(path);
  const letGo = hold(draft);
  try {
    await writeFile(draft, `${JSON.stringify(own)}\n`);
    for (let tries = 0; !(await placeNew(draft, path)); tries++) {
      const owner = await ownerIn(path);
      if (tries > 100 || (existsSync(path) && !(await isStale(path, draft)))) throw locked(folder, owner);
      await clear(path, draft);
    }
  } catch (error) {
    throw fileError("write", folder, error);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
    letGo();
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, beatMs);
  beat.unref();
  return async () => {
    clearInterval(beat);
    if ((await ownerIn(path))?.token === own.token) await rm(path, { force: true }).catch(() => undefined);
  };
}

/** Does work as the only writer of a folder. As long as it works, another process that asks is refused. */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const release = await lockFolder(folder);
  try {
    return await work();
  } finally {
    await release();
  }
}
