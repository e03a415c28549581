import { type Command, InvalidArgumentError, Option } from "commander";
import { type BenchReport, bench, type Dtype, dtypes, type Engine, engines, type Row } from "../bench/bench.js";
import { type CardName, cards, estimateStep, estimateTable } from "../bench/estimate.js";
import type { Peer } from "../bench/pytorch.js";
import type { BenchTask, ModelSize } from "../bench/work.js";
import { type DeviceName, deviceNames } from "../doctor/device-names.js";
import { type AtTerminal, atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { atLeastOne, readWith } from "./options.js";

type BenchOptions = {
  readonly engines: readonly Engine[];
  readonly dtypes?: readonly Dtype[];
  readonly device: DeviceName;
  readonly precision: "float32" | "mixed";
  readonly estimate?: CardName;
  readonly gradientCheckpointing?: "blocks";
  readonly peerDevice: string;
  readonly attention: Peer["attention"];
  readonly limit: number;
  readonly size: ModelSize;
  readonly batch: number;
  readonly steps: number;
  readonly warmup: number;
  readonly task: "both" | BenchTask;
  readonly python: string;
  readonly json?: true;
};

/** A list of names with commas between them. */
const listOf =
  <Name extends string>(known: readonly Name[]) =>
  (text: string): Name[] => {
    const names = text.split(",");
    const wrong = names.find((name) => !known.includes(name as Name));
    if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not one of ${known.join(", ")}.`);
    return names as Name[];
  };

/** Adds `kdc-mae bench`. */
export function addBenchCommand(program: Command): void {
  const command = program
    .command("bench")
    .description("time a pretraining step and embedding, beside PyTorch and other engines, where this machine has them")
    .option("--engines <list>", `what is timed, separated by commas: ${engines.join(", ")}`, listOf(engines), [
      ...engines,
    ])
    .option("--dtypes <list>", `only rows of these types, separated by commas: ${dtypes.join(", ")}`, listOf(dtypes))
    .addOption(
      new Option("--device <device>", "what the compiled engine computes on").choices(deviceNames).default("cpu"),
    )
    .addOption(
      new Option("--precision <precision>", "for --device webgpu: mixed multiplies in half precision")
        .choices(["float32", "mixed"])
        .default("float32"),
    )
    .addOption(
      new Option(
        "--estimate <card>",
        "plan a step for a GPU that this machine does not have, and print the least time it would take",
      ).choices(Object.keys(cards)),
    )
    .addOption(
      new Option(
        "--gradient-checkpointing <what>",
        "for the compiled pretraining step: blocks keeps only their inputs and computes the rest again",
      ).choices(["blocks"]),
    )
    .addOption(new Option("--size <preset>", "model size").choices(["tiny", "small", "base"]).default("base"))
    .option("--batch <n>", "clips in a batch", atLeastOne, 4)
    .option("--steps <n>", "timed repetitions", atLeastOne, 3)
    .option("--warmup <n>", "untimed repetitions first; memory settles in the second", atLeastOne, 2)
    .addOption(new Option("--task <task>", "what to time").choices(["both", "pretrain-step", "embed"]).default("both"))
    .option("--python <path>", "a Python with torch", "python3")
    .option("--peer-device <device>", "what PyTorch computes on, as it names it: cpu, cuda", "cpu")
    .addOption(
      new Option("--attention <kind>", "PyTorch's attention: products and softmax, or its fused kernel")
        .choices(["plain", "fused"])
        .default("plain"),
    )
    .option("--limit <seconds>", "longest time for one row; what takes longer is left out", atLeastOne, 1800)
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  kdc-mae bench --engines compiled,pytorch --size base --batch 4\n")
    .action((options: BenchOptions) => atTerminal((around) => run(options, around)));
  readWith<BenchOptions>(command, [
    {
      options: ["python", "peerDevice", "attention"],
      when: ({ engines: chosen }) => chosen.includes("pytorch"),
      what: "only the engine pytorch uses it",
      remedy: "Leave it out, or name pytorch among --engines",
    },
    {
      options: ["device"],
      when: ({ engines: chosen }) => chosen.includes("compiled"),
      what: "only the engine compiled uses it",
      remedy: "Leave it out, or name compiled among --engines",
    },
    {
      options: ["precision"],
      when: ({ device, estimate }) => device === "webgpu" || estimate !== undefined,
      what: "only --device webgpu uses it",
      remedy: "Leave it out, or give --device webgpu",
    },
    {
      options: ["gradientCheckpointing"],
      when: ({ engines: chosen, task, estimate }) =>
        estimate !== undefined || (chosen.join() === "compiled" && task === "pretrain-step"),
      what: "only the compiled pretraining step uses it",
      remedy: "Leave it out, or give --engines compiled --task pretrain-step",
    },
  ]);
}

/** Rows as they come: on stdout, or beside the JSON that follows on stderr. */
async function run(options: BenchOptions, { signal, onProgress }: AtTerminal): Promise<void> {
  const keep = options.gradientCheckpointing === undefined ? "all" : "inputs";
  if (options.estimate !== undefined) {
    const estimate = await estimateStep(options.size, options.batch, options.estimate, options.precision, keep);
    return print(options.json ? `${JSON.stringify(estimate, null, 2)}\n` : estimateTable(estimate));
  }
  const { engines: chosen, size, batch, steps, warmup, task, json, device, limit } = options;
  const { python, peerDevice, attention } = options;
  const tasks: BenchTask[] = task === "both" ? ["pretrain-step", "embed"] : [task];
  const say = (text: string) => (json ? process.stderr : process.stdout).write(`${text}\n`);
  const report = await bench({
    ...{ engines: chosen, dtypes: options.dtypes, device, limit, signal },
    works: tasks.map((name) => ({ task: name, size, batch, steps, warmup, keep, precision: options.precision })),
    peer: { python, device: peerDevice, attention },
    onRow: (row) => say(line(row)),
    onRepetition: (stage, { untimed, seconds }, of) => {
      const [done, total] = [untimed.length + seconds.length, of.warmup + of.steps];
      onProgress?.({ stage, unit: "repetitions", done, total });
    },
    onMissing: (what, reason) => say(`${what} did not run: ${reason}`),
  });
  print(json ? `${JSON.stringify(report, null, 2)}\n` : summary(report));
  if (signal.aborted) process.exitCode = 130;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const line = ({
  engine,
  dtype,
  task,
  size,
  batch,
  seconds,
  repetitions,
  gflops,
  peakBytes,
  on,
  building,
  outside,
  javascript,
  dispatches,
  busBytes,
  cosine,
}: Row): string =>
  [
    engine.padEnd(10),
    dtype.padEnd(9),
    task.padEnd(14),
    `${size} × ${batch}`.padEnd(10),
    `${seconds.toFixed(3)} s`.padStart(10),
    `of ${repetitions}`,
    `${gflops.toFixed(0)} GFLOP/s`.padStart(13),
    `${(peakBytes / 1e9).toFixed(2)} GB peak`.padStart(14),
    ...(building === undefined || engine !== "compiled" ? [] : [`built in ${building.toFixed(1)} s`]),
    ...(outside === undefined || engine !== "compiled" ? [] : [`${percent(outside)} outside the program`]),
    ...(javascript === undefined || engine !== "compiled" ? [] : [`${percent(javascript)} in JavaScript`]),
    ...(dispatches === undefined ? [] : [`${dispatches.toFixed(0)} dispatches`]),
    ...(busBytes === undefined ? [] : [`${(busBytes / 1e6).toFixed(1)} MB over the bus`]),
    ...(on === undefined ? [] : [on]),
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
    ...Object.entries(missing).map(([what, reason]) => `${what} did not run: ${reason}`),
    "",
  ].join("\n");
}
