import { fork } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { float32 } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { presets } from "@kdc-mae/model";
import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
import type { DeviceName } from "../doctor/device-names.js";
import { embedFlops, pretrainFlops } from "../pipeline/experiment/flops.js";
import { ending, type Limits } from "./ending.js";
import { median } from "./median.js";
import { type Peer, runPytorch } from "./pytorch.js";
import type { Timed } from "./timed.js";
import type { Work } from "./work.js";

export const engines = ["compiled", "tfjs-node", "wasm", "pytorch"] as const;
export type Engine = (typeof engines)[number];

/** What products are computed in; `mixed` rounds their operands to half precision and sums in float32. */
export const dtypes = ["float32", "mixed", "bfloat16", "int8"] as const;
export type Dtype = (typeof dtypes)[number];

/** What only some engines measure. */
const measured = ["on", "preparing", "building", "outside", "javascript", "dispatches", "busBytes", "cosine"] as const;

/** One line of the table. */
export type Row = {
  readonly engine: Engine;
  readonly dtype: Dtype;
  readonly task: Work["task"];
  readonly size: Work["size"];
  readonly batch: number;
  /** Median of the timed repetitions. */
  readonly seconds: number;
  /** How many were timed: fewer than asked for where the engine was ended. */
  readonly repetitions: number;
  readonly gflops: number;
  readonly peakBytes: number;
} & Partial<Pick<Timed, (typeof measured)[number]>>;

/** What a run found; rows that could not be made stand in `missing` with their reason. */
export type BenchReport = {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly matmulGflops: number;
  };
  readonly rows: readonly Row[];
  readonly missing: Readonly<Record<string, string>>;
};

/** GFLOP/s of one large matrix product: what this machine can do at best. */
async function matmulRate(): Promise<number> {
  const n = 1536;
  const square = float32([n, n], new Float32Array(n * n).fill(0.5));
  const pair = { a: square, b: square };
  const program = await compiled()(({ a, b }: { a: Tensor2D; b: Tensor2D }) => matMul(a, b), pair);
  const into = await program.run(pair);
  const seconds: number[] = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await program.run(pair, into);
    seconds.push((performance.now() - start) / 1000);
  }
  await program.dispose();
  return (2 * n ** 3) / Math.min(...seconds) / 1e9;
}

type Apart = Timed & { readonly peakBytes: number };

/** What an engine's process tells: after each repetition what there is by then, and at its end all, or what went wrong. */
export type FromWorker = { readonly soFar: Apart } | { readonly made: Apart } | { readonly error: string };

/** What there was of a process that ended before a timed repetition. */
const untimedInWords = ({ untimed }: Pick<Timed, "untimed"> = { untimed: [] }): string =>
  untimed.length === 0
    ? "before its first repetition was done"
    : `before a timed repetition was done; untimed ones took ${untimed.map((one) => `${one.toFixed(1)} s`).join(", ")}`;

/**
 * Runs one of this project's engines in a process of its own, so that its peak memory is its own. One that is ended gives
 * the timed repetitions it had finished.
 *
 * @throws Error where it failed, or was ended before one was
 */
function runApart(
  engine: Exclude<Engine, "pytorch">,
  work: Work,
  device: DeviceName,
  { onRepetition, ...limits }: Limits & { readonly onRepetition: (soFar: Timed) => void },
): Promise<Apart> {
  return new Promise((resolve, reject) => {
    const args = [JSON.stringify({ engine, work, device })];
    const child = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), args);
    const why = ending(child, limits);
    let latest: Apart | undefined;
    child.on("message", (message: FromWorker) => {
      if ("made" in message) resolve(message.made);
      else if ("error" in message) reject(new Error(message.error));
      else {
        latest = message.soFar;
        onRepetition(latest);
      }
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const ended = why();
      if (ended !== undefined && latest !== undefined && latest.seconds.length > 0) resolve(latest);
      // Too late to matter where it has answered.
      else reject(new Error(`${ended ?? `the process ended with ${code ?? signal}`} ${untimedInWords(latest)}`));
    });
  });
}

/** What is to be timed, and how. */
export type BenchOptions = {
  readonly engines: readonly Engine[];
  /** All that an engine has unless given. */
  readonly dtypes?: readonly Dtype[];
  readonly works: readonly Work[];
  /** What the compiled engine computes on. */
  readonly device: DeviceName;
  readonly peer: Peer;
  /** Longest time for one row, seconds. */
  readonly limit: number;
  readonly signal?: AbortSignal;
  readonly onRow?: (row: Row) => void;
  /** Told after every repetition of this project's engines, timed or not, what was measured of a row by then. */
  readonly onRepetition?: (row: string, soFar: Timed, of: Work) => void;
  /** Told at once what did not run, and why. */
  readonly onMissing?: (what: string, reason: string) => void;
};

/** One row to be. */
type Case = { readonly engine: Engine; readonly dtype: Dtype; readonly work: Work };

/** What each engine computes in, for a task. */
const dtypesOf = (engine: Engine, { task, precision = "float32" }: Work, device: DeviceName): readonly Dtype[] => {
  if (engine === "pytorch") return ["float32", "bfloat16"];
  if (engine === "compiled" && device === "webgpu") return [precision];
  return engine === "compiled" && task === "embed" && device === "cpu" ? ["float32", "int8"] : ["float32"];
};

const casesOf = ({ engines: chosen, dtypes, works, device }: BenchOptions): readonly Case[] =>
  works.flatMap((work) =>
    chosen.flatMap((engine) =>
      dtypesOf(engine, work, device)
        .filter((dtype) => dtypes?.includes(dtype) ?? true)
        .map((dtype): Case => {
          const own: Work = dtype === "int8" ? { ...work, dtype } : work;
          // Even there a step of wasm takes some twenty times as long as a compiled one (docs/measurements/performance.md).
          return { engine, dtype, work: engine === "wasm" ? { ...own, size: "tiny", steps: 1, warmup: 1 } : own };
        }),
    ),
  );

const rowOf = ({ engine, dtype, work }: Case, made: Apart): Row => {
  const { task, size, batch } = work;
  const config = presets[size];
  const flops = batch * (task === "embed" ? embedFlops(config) : pretrainFlops(config, 2, 0.75));
  const seconds = median(made.seconds);
  const { peakBytes } = made;
  return {
    ...{ engine, dtype, task, size, batch, seconds, repetitions: made.seconds.length, gflops: flops / seconds / 1e9 },
    peakBytes,
    ...Object.fromEntries(measured.map((name) => [name, made[name]])),
  };
};

/**
 * Runs the engines one after the other on the same work. Each row is reported as it comes. One that takes too long, or runs
 * when the signal comes, has the repetitions it had finished; what has none, and what fails, stands in `missing`.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { device, peer, limit, signal, onRow, onRepetition, onMissing } = options;
  const limits = { seconds: limit, signal };
  const rows: Row[] = [];
  const missing: Record<string, string> = {};
  // First, so that whoever ends it need not wait for this.
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    node: process.versions.node,
    matmulGflops: await matmulRate(),
  };
  for (const one of casesOf(options)) {
    const { engine, dtype, work } = one;
    const what = `${engine} ${dtype} ${work.task}`;
    try {
      if (signal?.aborted) throw new Error("it was not reached");
      const made =
        engine === "pytorch"
          ? {
              preparing: Number.NaN,
              untimed: [],
              ...(await runPytorch(peer, work, dtype as "float32" | "bfloat16", limits)),
            }
          : await runApart(engine, work, device, {
              ...limits,
              onRepetition: (soFar) => onRepetition?.(what, soFar, work),
            });
      const row = rowOf(one, made);
      rows.push(row);
      onRow?.(row);
    } catch (error) {
      missing[what] = error instanceof Error ? error.message : String(error);
      onMissing?.(what, missing[what]);
    }
  }
  return { machine, rows, missing };
}
