import type { ListedInput } from "./inputs.js";

/** What ffmpeg is to do for one clip, alone or beside others in one process. */
export type Job<T> = {
  /** Jobs of one kind may share a process. */
  readonly kind: "look" | "look-raw" | "decode" | "decode-raw";
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Inputs: their options, the path with its `-i` last. */
  readonly inputs: readonly (readonly string[])[];
  /** Outputs without their target, each to a pipe of its own; `input` is the number of the job's first input. */
  readonly outputs: readonly ((input: number) => readonly string[])[];
  /** Most bytes of each output. */
  readonly limits: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Makes something of what ffmpeg wrote. @throws KdcError when that cannot be trusted */
  read(ran: Ran): T;
};

/** What a run of ffmpeg came to for one job. */
export type Ran = {
  readonly exitCode: number;
  /** Its log, without the name of the file. */
  readonly log: string;
  /** The job's inputs, those that could be opened. */
  readonly listed: readonly ListedInput[];
  readonly outputs: readonly Uint8Array[];
};

/** Whoever carries out jobs. */
export type RunJob = <T>(job: Job<T>) => Promise<T>;
