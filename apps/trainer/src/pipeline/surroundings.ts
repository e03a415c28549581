import { cpus } from "node:os";

/** How far one piece of long work is. A stage ends when another begins or the call returns. */
export type Progress = {
  /** What is being done, in a word or two: "decode", "pretrain". */
  readonly stage: string;
  /** What is counted: "clips", "steps". */
  readonly unit: string;
  readonly done: number;
  readonly total: number;
  /** A short live figure, such as the loss. */
  readonly note?: string;
};

import { alone, type Ranks } from "./ranks/ranks.js";

/** What a call of the pipeline is given by whoever calls it; each is optional. */
export type Surroundings = {
  /** Where ffmpeg and access keys are looked up; the process's own environment unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since any fixed moment; for figures of speed and for when to save. */
  readonly clock?: () => number;
  /** Milliseconds since 1970, for logs that say when; the machine's own unless given. */
  readonly now?: () => number;
  /** Bytes of memory this process holds; its own count unless given. */
  readonly memory?: () => number;
  /** Asks to stop at the next safe point. */
  readonly signal?: AbortSignal;
  /** Called before work and as it goes on: which stage, how much is done, of how much. */
  readonly onProgress?: (progress: Progress) => void;
  /** One sentence at a time that a person should see, such as a clip that was left out. */
  readonly onNote?: (note: string) => void;
  /** The processes the call is shared by; each makes the same call, and one result comes out. One unless given. */
  readonly ranks?: Ranks;
};

/** The environment of a call. The one place of the pipeline that knows there is a process. */
export const environmentOf = ({ env = process.env }: Surroundings): Readonly<Record<string, string | undefined>> => env;

/** The clock of a call. The one place of the pipeline that knows the machine's. */
export const clockOf = ({ clock = () => performance.now() }: Surroundings): (() => number) => clock;

/** The date and the memory of a call; likewise the one place. */
export const nowOf = ({ now = Date.now }: Surroundings): (() => number) => now;
export const memoryOf = ({ memory = () => process.memoryUsage.rss() }: Surroundings): (() => number) => memory;

/** Processor and Node of this machine, in words. */
export const machineInWords = (): string => `${cpus()[0]?.model ?? "unknown processor"}, Node ${process.versions.node}`;

/** The surroundings alone, out of a call's options. */
export const surroundingsOf = ({
  env,
  clock,
  now,
  memory,
  signal,
  onProgress,
  onNote,
  ranks,
}: Surroundings): Surroundings => ({
  ...{ env, clock, now, memory, signal, onProgress, onNote, ranks },
});

/** The ranks of a call. */
export const ranksOf = ({ ranks = alone }: Surroundings): Ranks => ranks;

/** Surroundings that are told each note once: for whoever opens the same data twice. */
export function notesOnce({ onNote, ...around }: Surroundings): Surroundings {
  const told = new Set<string>();
  return {
    ...around,
    onNote: (note) => {
      if (!told.has(note)) onNote?.(note);
      told.add(note);
    },
  };
}
