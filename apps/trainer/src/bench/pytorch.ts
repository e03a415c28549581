import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { KdcError } from "@kdc-mae/core";
import { presets } from "@kdc-mae/model";
import { ending, type Limits } from "./ending.js";
import type { Work } from "./work.js";

const script = fileURLToPath(new URL("../../peer/pytorch_peer.py", import.meta.url));

/** What the PyTorch script prints after every timed repetition, and at its end. */
export type PytorchTimes = { readonly seconds: readonly number[]; readonly peakBytes: number };

/** Which PyTorch, and how it runs. */
export type Peer = {
  readonly python: string;
  /** A device as torch names it: cpu, cuda. */
  readonly device: string;
  /** plain: products and softmax as this project's; fused: scaled_dot_product_attention. */
  readonly attention: "plain" | "fused";
};

/**
 * Runs a program to its end, its time or the signal's, and gives the lines it printed.
 *
 * @returns the lines, and why it was ended early, where it was
 */
export function lines(
  command: string,
  args: readonly string[],
  limits: Limits,
): Promise<{ readonly lines: readonly string[]; readonly ended?: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, log] = ["", ""];
    const why = ending(child, limits);
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      log += chunk;
    });
    child.on("error", (error) => {
      why();
      reject(error);
    });
    child.on("close", (code) => {
      const ended = why();
      const printed = out.split("\n").slice(0, -1);
      if (code === 0 || ended !== undefined) resolve({ lines: printed, ended });
      else reject(new Error(log.trim().split("\n").at(-1) || `it ended with ${code}`));
    });
  });
}

/**
 * The same work in PyTorch. One that is ended gives the repetitions it had finished.
 *
 * @throws KdcError when this Python has no torch, or it finished no timed repetition in its time
 */
export async function runPytorch(
  { python, device, attention }: Peer,
  work: Work,
  dtype: "float32" | "bfloat16",
  limits: Limits,
): Promise<PytorchTimes> {
  const { audio, visual, ...sizes } = presets[work.size];
  const config = {
    ...sizes,
    rowsAudio: audio.rows,
    columnsAudio: audio.columns,
    rowsVisual: visual.rows,
    columnsVisual: visual.columns,
    patch: audio.patch,
    maskRatio: 0.75,
  };
  const args = ["bench", "--config", JSON.stringify(config), "--batch", String(work.batch), "--task", work.task];
  const counts = ["--steps", String(work.steps), "--warmup", String(work.warmup), "--dtype", dtype];
  const how = ["--device", device, "--attention", attention];
  try {
    const printed = await lines(python, [script, ...args, ...counts, ...how], limits);
    const last = printed.lines.at(-1);
    if (last === undefined) throw new Error(printed.ended ?? "it printed nothing");
    return JSON.parse(last);
  } catch (cause) {
    if (limits.signal?.aborted) throw cause;
    throw new KdcError({
      where: "bench pytorch",
      what: `${python} could not run it: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy:
        "Give a Python that has torch and numpy with --python, more time with --limit, or leave pytorch out of --engines",
      reason: "no-pytorch",
      cause,
    });
  }
}
