import { existsSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { readJson } from "@kdc-mae/core/node";
import { plainValues } from "../experiment/plain-values.js";
import { EVENTS, recordsIn, undone } from "../log/events-file.js";
import type { RunPicture, RunRecord } from "../log/run-logger.js";
import { EXPERIMENT, type LogEntry, readLogEntries } from "../run/run-folder.js";

/** More points than that in a curve nobody sees. */
const POINTS = 3000;

/** A record as a page takes it: gradient norms as their mean, pictures with their data where the page stands alone. */
export type PageRecord =
  | (Omit<Extract<RunRecord, { kind: "steps" }>, "gradientNorms"> & { readonly gradientNorm: number })
  | Exclude<RunRecord, { kind: "steps" | "pictures" }>
  | (Omit<Extract<RunRecord, { kind: "pictures" }>, "pictures"> & {
      readonly pictures: readonly (RunPicture & { readonly data?: string })[];
    });

/** A run that is looked at while it goes on, or after. */
export type WatchedRun = {
  readonly name: string;
  readonly folder: string;
  /** Every plain value by its dotted path. */
  readonly experiment: Readonly<Record<string, string>>;
  /** What has come since the last call; `anew` where the run was begun again from nothing. */
  poll(): Promise<readonly PageRecord[] | "anew">;
  /** The bytes of one of its pictures; undefined where there is none of that name. */
  picture(file: string): Promise<Uint8Array | undefined>;
};

const forPage = (record: RunRecord): PageRecord => {
  if (record.kind !== "steps") return record;
  const { gradientNorms, ...rest } = record;
  return { ...rest, gradientNorm: gradientNorms.reduce((sum, norm) => sum + norm, 0) / gradientNorms.length };
};

/** Fewer of many: every so manieth of the steps, all of the rest. */
export function thinned(records: readonly PageRecord[]): readonly PageRecord[] {
  const every = Math.ceil(records.filter(({ kind }) => kind === "steps").length / POINTS);
  let at = 0;
  return every <= 1 ? records : records.filter(({ kind }) => kind !== "steps" || at++ % every === 0);
}

/** Epochs of a run that has no other log: one of before there was one. */
const oldRecords = (entries: readonly LogEntry[]): PageRecord[] =>
  entries.map((entry) => ({ time: 0, step: entry.step, kind: "epoch", entry }));

const PICTURE = /^pictures\/[\w-]+\.png$/;

/**
 * Opens a run's folder for looking at; nothing in it is changed, and no lock is taken.
 *
 * @throws KdcError when there is no run in it
 */
export async function openWatched(folder: string): Promise<WatchedRun> {
  const file = join(folder, EXPERIMENT);
  if (!existsSync(file)) {
    throw new KdcError({
      where: `run folder ${folder}`,
      what: `there is no ${EXPERIMENT} in it`,
      remedy: "Give a folder that pretrain, finetune or demo made",
      reason: "run-folder",
    });
  }
  const experiment = Object.fromEntries(plainValues(await readJson(file, "Give another run, or restore the file")));
  const path = join(folder, EVENTS);
  let [read, isFirst] = [0, true];
  // Bytes, since what is read may end within a character.
  let rest: Uint8Array = new Uint8Array(0);
  const appended = async (): Promise<Uint8Array | "anew"> => {
    const size = await stat(path).then(
      (about) => about.size,
      () => 0,
    );
    if (size < read) return "anew";
    if (size === read) return new Uint8Array(0);
    const handle = await open(path, "r");
    try {
      const bytes = Buffer.alloc(size - read);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, read);
      read += bytesRead;
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  };
  return {
    name: experiment.name ?? basename(resolve(folder)),
    folder,
    experiment,
    async poll() {
      const came = await appended();
      if (came === "anew") {
        [read, rest] = [0, new Uint8Array(0)];
        return "anew";
      }
      const bytes = Buffer.concat([rest, came]);
      const end = bytes.lastIndexOf("\n") + 1;
      rest = bytes.subarray(end);
      const records = recordsIn(bytes.toString("utf8", 0, end));
      if (!isFirst) return records.map(forPage);
      isFirst = false;
      return records.length === 0 ? oldRecords(await readLogEntries(folder)) : undone(records).map(forPage);
    },
    picture: (name) =>
      PICTURE.test(name) ? readFile(join(folder, name)).catch(() => undefined) : Promise.resolve(undefined),
  };
}
