import type { Command } from "commander";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { loadExperiment } from "../pipeline/experiment/load.js";
import { expectRoom, inWords } from "../pipeline/experiment/memory.js";
import { named } from "../pipeline/experiment/named.js";
import { pretrain } from "../pipeline/pretrain/from-experiment.js";
import { type PretrainPlan, planPretraining } from "../pipeline/pretrain/plan.js";
import { environmentOf, type Surroundings } from "../pipeline/surroundings.js";
import { atRanks } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { executeFor, withEngineOptions } from "./engine-options.js";
import { listNamed } from "./list-named.js";
import { type LoggerChoice, loggersFor, withLoggers } from "./logger-options.js";
import {
  atLeastOne,
  collect,
  type DataOptions,
  dataChanges,
  many,
  readWith,
  saysStopped,
  withDataOptions,
} from "./options.js";

type PretrainCommandOptions = EngineChoice &
  LoggerChoice &
  DataOptions & {
    readonly out?: string;
    readonly media?: string;
    readonly set: string[];
    readonly init?: string;
    readonly verify?: true;
    readonly dryRun?: true;
    readonly probeEvery?: number;
    readonly stopOnCollapse?: true;
    readonly acceptChangedData?: true;
  };

/** Adds `kdc-mae pretrain`. */
export function addPretrainCommand(program: Command): void {
  const command = program
    .command("pretrain")
    .description("pretrain an experiment; run again, it goes on where it was stopped")
    .argument("<experiment>", "a name, or a .ts, .mjs or .json file")
    .option("--out <folder>", "where the run goes (default: runs/<name>)")
    .option(
      "--media <folder>",
      `where synthetic clips are kept, for experiments that make their own (default: ${defaultMedia})`,
    )
    .option("--set <key=value>", "change the experiment, such as data.path=manifest.csv", collect, [])
    .option("--init <checkpoint>", "start from a CAV-MAE, KDC-MAE or ImageNet MAE checkpoint (.pth, .safetensors)")
    .option("--accept-changed-data", "go on with a run though its data changed since it began; the run records it")
    .option(
      "--probe-every <steps>",
      "evaluate on validation clips every so many steps (training.probes.every)",
      atLeastOne,
    )
    .option("--stop-on-collapse", "end the run, its state saved, where its model no longer tells clips apart")
    .option(
      "--dry-run",
      "print how much memory and how many steps the run would take, or why it would be refused, and do nothing",
    )
    .option("--verify", "read every prepared shard first and compare its checksum")
    .addHelpText(
      "after",
      `${listNamed(named)}\nExample:\n  kdc-mae pretrain kdc-mae-base --set data.path=vggsound.csv --out runs/vggsound\n`,
    );
  readWith<PretrainCommandOptions>(withEngineOptions(withLoggers(withDataOptions(command))), [
    {
      ...{
        options: ["tensorboard", "mlflow", "stopOnCollapse", "verify", "acceptChangedData"],
        when: ({ dryRun }) => dryRun === undefined,
      },
      ...{ what: "nothing is trained where --dry-run asks what a run would take", remedy: "Leave one of them out" },
    },
  ]).action((experiment: string, options: PretrainCommandOptions) =>
    atRanks((around) => run(experiment, options, around)),
  );
}

async function run(
  name: string,
  {
    set,
    out,
    media,
    init,
    verify,
    dryRun,
    acceptChangedData,
    probeEvery,
    stopOnCollapse,
    ...rest
  }: PretrainCommandOptions,
  around: Surroundings,
): Promise<void> {
  const probes = probeEvery === undefined ? [] : [{ training: { probes: { every: probeEvery } } }];
  const experiment = await loadExperiment(name, [...set.map(parseChange), ...dataChanges(rest), ...probes]);
  const to = out ?? `runs/${experiment.name}`;
  if (dryRun) return sayPlan(await planPretraining(experiment, { ...around, init, media, out: to }));
  const { finished, steps, folder, file } = await pretrain(experiment, {
    loggers: loggersFor(rest, to, environmentOf(around)),
    ...{ ...around, init, media, verify, acceptChangedData, stopOnCollapse, out: to },
    execute: await executeFor(rest),
  });
  if (!finished) return saysStopped(folder);
  print(`model: ${file} (${steps} steps)\n`);
}

/** What a run would take; exit code 1 where it will not fit. */
function sayPlan({ clips, training, steps, flop, memory, available }: PretrainPlan): void {
  print(
    `${training} of ${many(clips, "clip")} to train on, ${many(steps, "step")}, ${(flop / 1e12).toPrecision(3)} TFLOP\n`,
  );
  print(inWords(memory, available));
  const note = expectRoom(memory, available);
  if (note !== undefined) print(`${note}\n`);
}
