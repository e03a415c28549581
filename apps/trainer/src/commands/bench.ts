import { type Command, InvalidArgumentError, Option } from "commander";
import { type BenchReport, bench, type Engine, engines, type Row } from "../bench/bench.js";
import type { Size, Task } from "../bench/work.js";
import { atLeastOne } from "./options.js";

type BenchOptions = {
  readonly engines: readonly Engine[];
  readonly size: Size;
  readonly batch: number;
  readonly steps: number;
  readonly warmup: number;
  readonly task: "both" | Task;
  readonly python: string;
  readonly json?: true;
};

const engineList = (text: string): Engine[] => {
  const names = text.split(",");
  const wrong = names.find((name) => !engines.includes(name as Engine));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not one of ${engines.join(", ")}.`);
  return names as Engine[];
};

/** Adds `kdc-mae bench`. */
export function addBenchCommand(program: Command): void {
  program
    .command("bench")
    .description("time a pretraining step and embedding, side by side with what else there is on this machine")
    .option("--engines <list>", `of ${engines.join(",")}`, engineList, [...engines])
    .addOption(new Option("--size <preset>", "model size").choices(["tiny", "small", "base"]).default("base"))
    .option("--batch <n>", "clips in a batch", atLeastOne, 4)
    .option("--steps <n>", "timed repetitions", atLeastOne, 3)
    .option("--warmup <n>", "untimed repetitions first; memory settles in the second", atLeastOne, 2)
    .addOption(new Option("--task <task>", "what to time").choices(["both", "pretrain-step", "embed"]).default("both"))
    .option("--python <path>", "a Python with torch", "python3")
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  kdc-mae bench --engines compiled,pytorch --size base --batch 4\n")
    .action(async ({ engines: chosen, size, batch, steps, warmup, task, python, json }: BenchOptions) => {
      const tasks: Task[] = task === "both" ? ["pretrain-step", "embed"] : [task];
      const works = tasks.map((name) => ({ task: name, size, batch, steps, warmup }));
      const report = await bench(chosen, works, python, (row) => {
        if (!json) process.stdout.write(`${line(row)}\n`);
      });
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : summary(report));
    });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const line = ({
  engine,
  dtype,
  task,
  size,
  batch,
  seconds,
  gflops,
  peakBytes,
  building,
  outside,
  cosine,
}: Row): string =>
  [
    engine.padEnd(10),
    dtype.padEnd(9),
    task.padEnd(14),
    `${size} × ${batch}`.padEnd(10),
    `${seconds.toFixed(3)} s`.padStart(10),
    `${gflops.toFixed(0)} GFLOP/s`.padStart(13),
    `${(peakBytes / 1e9).toFixed(2)} GB peak`.padStart(14),
    ...(building === undefined || engine !== "compiled" ? [] : [`built in ${building.toFixed(1)} s`]),
    ...(outside === undefined || engine !== "compiled" ? [] : [`${percent(outside)} outside the program`]),
    ...(cosine === undefined ? [] : [`cosine ≥ ${cosine.toFixed(4)}`]),
  ].join("  ");

/** Ratios of compiled to everything else on the same task and size, then what could not run. */
function summary({ machine, rows, missing }: BenchReport): string {
  const ratios = rows
    .filter(({ engine }) => engine === "compiled")
    .flatMap((ours) =>
      rows
        .filter(({ engine, task, size }) => engine !== "compiled" && task === ours.task && size === ours.size)
        .map(
          (other) =>
            `${ours.task}: compiled ${ours.dtype} takes ${(ours.seconds / other.seconds).toFixed(2)} × ${other.engine} ${other.dtype} (memory ${(ours.peakBytes / other.peakBytes).toFixed(2)} ×)`,
        ),
    );
  return [
    "",
    ...ratios,
    `this machine multiplies matrices at ${machine.matmulGflops.toFixed(0)} GFLOP/s (${machine.cpu}, ${machine.cores} cores, node ${machine.node})`,
    ...Object.entries(missing).map(([engine, reason]) => `${engine} did not run: ${reason}`),
    "",
  ].join("\n");
}
