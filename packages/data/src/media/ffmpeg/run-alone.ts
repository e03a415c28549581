import { generalOptions } from "../command.js";
import { mediaError, withLastLines } from "../media-error.js";
import { type ProcessResult, runProcess } from "../run-process.js";
import { listedInputs } from "./inputs.js";
import type { Job } from "./job.js";
import { withoutName } from "./log.js";

/** File descriptor of a job's output: 1, 3, 4 … */
export const pipeOf = (output: number): number => (output === 0 ? 1 : output + 2);

/** Does one job in one process, and says in words what was wrong where it fails. */
export async function runAlone<T>(ffmpeg: string, job: Job<T>, timeoutMs: number): Promise<T> {
  const args = [
    ...generalOptions(job.kind),
    ...job.inputs.flat(),
    ...job.outputs.flatMap((output, index) => [...output(0), `pipe:${pipeOf(index)}`]),
  ];
  const once = (): Promise<ProcessResult> =>
    runProcess(ffmpeg, args, { limits: job.limits, timeoutMs, signal: job.signal });
  const first = await once();
  // Somebody short of memory kills what he finds; the file need not be at fault.
  const { killed, signal, log, exitCode, outputs } = first.killed === "killed" ? await once() : first;
  if (killed) {
    const detail = killed === "timeout" ? `${timeoutMs} ms` : killed === "crashed" ? signal : undefined;
    throw withLastLines(mediaError(job.path, killed, detail), log);
  }
  const named = withoutName(log, job.path);
  try {
    return job.read({ exitCode, log: named, listed: listedInputs(named), outputs });
  } catch (error) {
    throw withLastLines(error, log);
  }
}
