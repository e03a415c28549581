import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { KdcError } from "@kdc-mae/core";
import { presets } from "@kdc-mae/model";
import type { Work } from "./work.js";

const script = fileURLToPath(new URL("../../peer/pytorch_peer.py", import.meta.url));

/** What the PyTorch script prints. */
export type PytorchTimes = { readonly seconds: readonly number[]; readonly peakBytes: number };

/** Runs a program to its end and gives what it printed. */
export function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, log] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      log += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(log.trim().split("\n").at(-1)))));
  });
}

/**
 * The same work in PyTorch.
 *
 * @throws KdcError when this Python has no torch
 */
export async function runPytorch(python: string, work: Work, dtype: "float32" | "bfloat16"): Promise<PytorchTimes> {
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
  try {
    return JSON.parse(await output(python, [script, ...args, ...counts]));
  } catch (cause) {
    throw new KdcError({
      where: "bench pytorch",
      what: `${python} could not run it: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: "Give a Python that has torch and numpy with --python, or leave pytorch out of --engines",
      reason: "no-pytorch",
      cause,
    });
  }
}
