import { join, resolve } from "node:path";
import { comparisonMarkdown } from "@kdc-mae/eval/report";
import { type Command, Option } from "commander";
import { ablate, runsFolder, tablesFolder } from "../pipeline/ablate/ablate.js";
import { type Arms, aboutArm, workOutArms } from "../pipeline/ablate/arms.js";
import { flopOfRun } from "../pipeline/ablate/budget.js";
import { loadAblation } from "../pipeline/ablate/load.js";
import { planRuns } from "../pipeline/ablate/plan.js";
import type { Scored } from "../pipeline/ablate/run-one.js";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { quoted } from "../pipeline/shell-word.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { engineName, executeFor, withEngineOptions } from "./engine-options.js";
import { collect, type DataOptions, dataChanges, saysStopped, wholeNumberTo, withDataOptions } from "./options.js";

type AblateOptions = EngineChoice &
  DataOptions & {
    readonly seeds?: number;
    readonly out?: string;
    readonly media?: string;
    readonly set: string[];
    readonly scored: Scored;
    readonly plan?: true;
    readonly json?: true;
  };

/** Adds `kdc-mae ablate`. */
export function addAblateCommand(program: Command): void {
  const command = program
    .command("ablate")
    .description("train and evaluate named variations of an experiment with the same seeds, and put them in one table")
    .argument("<ablation>", "a name (ablation-objectives), or a .ts, .mjs or .json file")
    .option("--seeds <n>", "seeds per arm (default: what the ablation says, else 3)", seedCount)
    .option("--out <folder>", "where runs and tables go; run again, it goes on there (default: runs/<name>)")
    .option(
      "--media <folder>",
      `where synthetic clips are kept, for experiments that make their own (default: ${defaultMedia})`,
    )
    .option("--set <key=value>", "change the base experiment, such as training.epochs=5", collect, [])
    .addOption(
      new Option(
        "--scored <split>",
        "split that the figures are measured on: validation while you still choose (its tables go to on-validation)",
      )
        .choices(["test", "validation"])
        .default("test"),
    )
    .option("--plan", "say what would run, and run nothing")
    .option("--json", "print the table, or the plan, as JSON")
    .addHelpText("after", "\nExample:\n  kdc-mae ablate ablation-objectives --seeds 3\n");
  withEngineOptions(withDataOptions(command)).action((name: string, options: AblateOptions) =>
    atTerminal((around) => run(name, options, around)),
  );
}

const seedCount = wholeNumberTo(1000);

/** The base's seed and those after it. */
function seedsFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

async function printPlan({ base, arms }: Arms, seeds: readonly number[], folder: string, json: boolean): Promise<void> {
  const { runs, strays } = await planRuns(arms, seeds, folder);
  const cost = flopOfRun(base);
  if (json) {
    const planned = arms.map(({ spec, experiment }) => ({ name: spec.name, flop: flopOfRun(experiment) / cost }));
    const told = runs.map(({ arms: names, seed, state, folder }) => ({ arms: names, seed, state, folder }));
    print(`${JSON.stringify({ arms: planned, runs: told, strays }, null, 2)}\n`);
    return;
  }
  const lines = [
    ...arms.map(
      (arm) =>
        `${arm.spec.name}: ${(flopOfRun(arm.experiment) / cost).toFixed(2)} × the base's FLOP; ${aboutArm(arm, base)}`,
    ),
    ...runs.map(({ arms: names, seed, state, folder }) => `${state}: ${names.join(" = ")}, seed ${seed} (${folder})`),
    ...strays.map(({ folder, why }) => `no longer fits: ${folder} (${why})`),
  ];
  print(`${lines.join("\n")}\n`);
}

async function run(name: string, options: AblateOptions, around: Surroundings): Promise<void> {
  const { ablation, base } = await loadAblation(name);
  const arms = workOutArms(ablation, base, [...options.set.map(parseChange), ...dataChanges(options)]);
  const seeds = seedsFrom(arms.base.seed, options.seeds ?? ablation.seeds);
  const out = options.out ?? `runs/${ablation.name}`;
  if (options.plan) return printPlan(arms, seeds, runsFolder(out, options.scored), options.json === true);
  const sets = [
    ...(options.scored === "test" ? [] : [` --scored ${options.scored}`]),
    ...options.set.map((change) => ` --set ${quoted(change)}`),
    ...Object.entries({
      "--split-by": options.splitBy,
      "--labels": options.labels,
      "--windows": options.windows,
    }).flatMap(([name, value]) => (value === undefined ? [] : [` ${name} ${quoted(String(value))}`])),
  ].join("");
  const { comparison, finished } = await ablate({
    ...{ ...around, ablation, arms, seeds, out, media: options.media, scored: options.scored },
    execute: await executeFor(options),
    engine: await engineName(options),
    settings: [["command", `kdc-mae ablate ${quoted(name)} --seeds ${seeds.length}${sets}`]],
  });
  if (!finished) return saysStopped(out);
  print(
    options.json
      ? `${JSON.stringify(comparison, null, 2)}\n`
      : `${comparisonMarkdown(comparison)}\ntables: ${join(resolve(tablesFolder(out, options.scored)), "table.{html,md,csv,json}")}\n`,
  );
}
