import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { KdcError } from "@kdc-mae/core";
import { launched, launchedRank, type StartedRanks, startOpenMpi } from "../pipeline/ranks/open-mpi.js";
import type { Ranks } from "../pipeline/ranks/ranks.js";
import { complain } from "./print.js";

/**
 * What a process of several exits with when the same command is to be started again, as by a queue: it was asked to stop, or
 * another rank is gone (EX_TEMPFAIL of sysexits.h). What keeps its work then goes on, the rest begins anew.
 */
export const REQUEUE = 75;

/** What a process exits with that was asked to stop. */
export const stopped = (): number => (launched(process.env) === 1 ? 130 : REQUEUE);

let started: StartedRanks | undefined;

/** The ranks of this process, joined once; one process alone loads nothing for it. */
export async function joinRanks(): Promise<Ranks> {
  // Loads the engine, which what only prints needs not.
  if (launched(process.env) === 1) return (await import("../pipeline/ranks/ranks.js")).alone;
  // A rank that waits yields its core to whoever computes.
  process.env.OMPI_MCA_mpi_yield_when_idle ??= "1";
  if (started === undefined) {
    started = await startOpenMpi(process.env);
    watchLauncher(started, process.ppid);
    // What libraries do when a process ends otherwise has Open MPI's TCP end in a segmentation fault.
    process.once("exit", started.quit);
  }
  return started.ranks;
}

/** Ends this process when its launcher is gone, which would end it otherwise: MPI may wait for ever then. */
function watchLauncher({ quit }: StartedRanks, launcher: number): void {
  setInterval(() => {
    if (process.ppid === launcher || started === undefined) return;
    complain(
      `${rankInWords()}mpirun is gone. Start the same command again: training goes on from its last checkpoint\n`,
    );
    quit(REQUEUE);
  }, 1000).unref();
}

/** How a process is called where there are several. */
export const rankInWords = (): string =>
  launched(process.env) === 1 ? "" : `rank ${launchedRank(process.env)} on ${hostname()}: `;

/** Ends what `joinRanks` began, when the work is done: waits for the others. */
export function leaveRanks(): void {
  started?.leave();
  started = undefined;
}

/**
 * Ends all ranks because this one failed.
 *
 * @param code what they exit with
 * @param complain says what was wrong
 */
export async function failRanks(code: number, complain: () => void): Promise<void> {
  // What fails everywhere is said once: the first rank ends the others before they speak.
  if (started !== undefined && started.ranks.rank > 0) await sleep(1000);
  complain();
  started?.abort(code);
}

/** @throws KdcError for a command that many processes would each run on their own */
export function expectOneProcess(command: string): void {
  const count = launched(process.env);
  if (count === 1) return;
  throw new KdcError({
    where: `kdc-mae ${command}`,
    what: `it is run by one process, and mpirun started ${count}`,
    remedy: "Run it without mpirun",
    reason: "usage",
  });
}
