import { isKdcError } from "@kdc-mae/core";
import { generalOptions } from "../command.js";
import { mediaError } from "../media-error.js";
import { runProcess } from "../run-process.js";
import { listedInputs } from "./inputs.js";
import type { Job, RunJob } from "./job.js";
import { withoutName } from "./log.js";
import { pipeOf, runAlone } from "./run-alone.js";

export type CrewOptions = {
  /** Processes at once. */
  readonly processes: number;
  /** Clips in one process. */
  readonly together: number;
  /** Longest time for one clip, ms. */
  readonly timeoutMs: number;
};

/** Files of more than this between them do not share a process, bytes: its start costs little beside their decoding. */
const mostBytes = 8 * 2 ** 20;

type Waiting = {
  readonly job: Job<unknown>;
  readonly alone: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
};

/**
 * Does jobs in few processes: what waits while others are at work goes together in one ffmpeg, so that its start is
 * paid once for many clips. A process counts only where all went well. Whatever is wrong with a clip, or brings the
 * process down, is looked at again with that clip alone, so that it costs no other clip anything but time.
 */
export function startCrew(ffmpeg: string, { processes, together, timeoutMs }: CrewOptions): RunJob {
  const queue: Waiting[] = [];
  let [running, planned] = [0, false];

  const take = (): Waiting[] => {
    const first = queue.shift()!;
    const group = [first];
    if (first.alone) return group;
    let bytes = first.job.bytes;
    for (let at = 0; at < queue.length && group.length < together; ) {
      const { job, alone } = queue[at];
      if (alone || job.kind !== first.job.kind || bytes + job.bytes > mostBytes) at++;
      else {
        bytes += job.bytes;
        group.push(...queue.splice(at, 1));
      }
    }
    return group;
  };

  const work = async (group: readonly Waiting[]): Promise<void> => {
    const [{ job, resolve, reject }] = group;
    if (group.length === 1) await runAlone(ffmpeg, job, timeoutMs).then(resolve, reject);
    else {
      const again = await runTogether(ffmpeg, group, timeoutMs).catch((error: unknown) => {
        // A program that cannot be started is nobody's fault and will not start alone.
        for (const waiting of group) waiting.reject(error);
        return [];
      });
      queue.unshift(...again);
    }
  };

  const drain = (): void => {
    planned = false;
    while (running < processes && queue.length > 0) {
      running++;
      void work(take()).finally(() => {
        running--;
        drain();
      });
    }
  };

  return <T>(job: Job<T>) =>
    new Promise<T>((resolve, reject) => {
      queue.push({ job, alone: together === 1, resolve: resolve as (value: unknown) => void, reject });
      // What is asked for at the same moment goes together from the start.
      if (!planned) {
        planned = true;
        setImmediate(drain);
      }
    });
}

/** One process for several jobs. @returns those that are to be done again */
async function runTogether(ffmpeg: string, group: readonly Waiting[], timeoutMs: number): Promise<Waiting[]> {
  const jobs = group.map(({ job }) => job);
  let [inputs, pipes] = [0, 0];
  const places = jobs.map((job) => {
    const place = { input: inputs, pipe: pipes };
    inputs += job.inputs.length;
    pipes += job.outputs.length;
    return place;
  });
  const args = [
    ...generalOptions(jobs[0].kind),
    ...jobs.flatMap((job) => job.inputs.flat()),
    ...jobs.flatMap((job, at) =>
      job.outputs.flatMap((output, index) => [...output(places[at].input), `pipe:${pipeOf(places[at].pipe + index)}`]),
    ),
  ];
  const signals = jobs.flatMap(({ signal }) => (signal ? [signal] : []));
  const { exitCode, killed, outputs, log } = await runProcess(ffmpeg, args, {
    limits: jobs.flatMap(({ limits }) => limits),
    // Twice the time of one is plenty for files that small; one that hangs must not hold up the others for long.
    timeoutMs: 2 * timeoutMs,
    signal: signals.length > 0 ? AbortSignal.any([...new Set(signals)]) : undefined,
  });
  const alone = (waiting: Waiting): Waiting => ({ ...waiting, alone: true });
  if (killed === "aborted") {
    for (const { job, reject } of group) if (job.signal?.aborted) reject(mediaError(job.path, "aborted"));
    return group.filter(({ job }) => !job.signal?.aborted).map(alone);
  }
  const named = jobs.reduce((text, { path }) => withoutName(text, path), log);
  const listed = listedInputs(named);
  if (killed || exitCode !== 0 || listed.length !== inputs) {
    // ffmpeg opens its inputs in order and gives up at the first that it cannot open.
    const failed = killed ? -1 : places.findLastIndex(({ input }) => input <= listed.length);
    const opened = !killed && listed.length < inputs && failed >= 0;
    return group.map((waiting, at) => (opened && at !== failed ? waiting : alone(waiting)));
  }
  return group
    .filter(({ job, resolve }, at) => {
      const { input, pipe } = places[at];
      try {
        resolve(
          job.read({
            ...{ exitCode, log: "" },
            listed: listed.slice(input, input + job.inputs.length),
            outputs: outputs.slice(pipe, pipe + job.outputs.length),
          }),
        );
        return false;
      } catch (error) {
        if (!isKdcError(error)) throw error;
        return true;
      }
    })
    .map(alone);
}
