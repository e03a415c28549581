import { fork } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { type FloatTensor, float32, isKdcError } from "@kdc-mae/core";
import type { Hosted } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { presets } from "@kdc-mae/model";
import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
import { embedFlops, pretrainFlops } from "../pipeline/experiment/flops.js";
import { median } from "./median.js";
import { runPytorch } from "./pytorch.js";
import type { Timed } from "./timed.js";
import type { Work } from "./work.js";

export const engines = ["compiled", "tfjs-node", "wasm", "pytorch"] as const;
export type Engine = (typeof engines)[number];

/** One line of the table. */
export type Row = {
  readonly engine: Engine;
  readonly dtype: "float32" | "bfloat16" | "int8";
  readonly task: Work["task"];
  readonly size: Work["size"];
  readonly batch: number;
  /** Median of the timed repetitions. */
  readonly seconds: number;
  readonly gflops: number;
  readonly peakBytes: number;
} & Partial<Pick<Timed, "preparing" | "building" | "outside" | "cosine">>;

/** What a run found; engines that could not run stand in `missing` with their reason. */
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
  type Pair = { a: Tensor2D; b: Tensor2D };
  const program = await compiled()(({ a, b }: Pair) => matMul(a, b), { a: square, b: square } as Hosted<Pair>);
  const into = (await program.run({ a: square, b: square } as Hosted<Pair>)) as FloatTensor;
  const seconds: number[] = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await program.run({ a: square, b: square } as Hosted<Pair>, into as never);
    seconds.push((performance.now() - start) / 1000);
  }
  await program.dispose();
  return (2 * n ** 3) / Math.min(...seconds) / 1e9;
}

/** Runs one of this project's engines in a process of its own, so that its peak memory is its own. */
function runApart(engine: Exclude<Engine, "pytorch">, work: Work): Promise<Timed & { readonly peakBytes: number }> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), [JSON.stringify({ engine, work })]);
    let answered = false;
    child.on("message", (message: { error?: string } & Timed & { peakBytes: number }) => {
      answered = true;
      if (message.error === undefined) resolve(message);
      else reject(new Error(message.error));
    });
    child.on("exit", (code) => {
      if (!answered) reject(new Error(`the process ended with ${code}`));
    });
  });
}

/** Runs the engines one after the other on the same work. */
export async function bench(
  chosen: readonly Engine[],
  works: readonly Work[],
  python: string,
  onRow: (row: Row) => void = () => undefined,
): Promise<BenchReport> {
  const rows: Row[] = [];
  const missing: Record<string, string> = {};
  const add = (
    engine: Engine,
    dtype: Row["dtype"],
    work: Work,
    made: Pick<Row, "peakBytes" | "preparing" | "building" | "outside" | "cosine"> & Pick<Timed, "seconds">,
  ) => {
    const config = presets[work.size];
    const flops = work.batch * (work.task === "embed" ? embedFlops(config) : pretrainFlops(config, 2, 0.75));
    const seconds = median(made.seconds);
    const { task, size, batch } = work;
    const { peakBytes, preparing, building, outside, cosine } = made;
    const gflops = flops / seconds / 1e9;
    const row = {
      ...{ engine, dtype, task, size, batch, seconds, gflops, peakBytes },
      ...{ preparing, building, outside, cosine },
    };
    rows.push(row);
    onRow(row);
  };
  for (const work of works) {
    for (const engine of chosen) {
      // wasm is 80 times too slow for anything but the smallest model.
      const fitting: Work = engine === "wasm" ? { ...work, size: "tiny", steps: 1, warmup: 1 } : work;
      try {
        if (engine !== "pytorch") {
          add(engine, "float32", fitting, await runApart(engine, fitting));
          if (engine === "compiled" && work.task === "embed") {
            const int8: Work = { ...work, dtype: "int8" };
            add(engine, "int8", int8, await runApart(engine, int8));
          }
        } else
          for (const dtype of ["float32", "bfloat16"] as const)
            add(engine, dtype, work, await runPytorch(python, work, dtype));
      } catch (error) {
        missing[engine] = isKdcError(error) ? error.message : String(error instanceof Error ? error.message : error);
      }
    }
  }
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    node: process.versions.node,
    matmulGflops: await matmulRate(),
  };
  return { machine, rows, missing };
}
