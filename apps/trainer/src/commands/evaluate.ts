import { dirname, join } from "node:path";
import { type ReportInput, reportJson } from "@kdc-mae/eval";
import { countParameters } from "@kdc-mae/model";
import { type Command, Option } from "commander";
import { frontEndFor } from "../pipeline/corpus/front-end.js";
import { defaultMedia, openCorpus } from "../pipeline/corpus/open-corpus.js";
import { evaluate } from "../pipeline/evaluate/evaluate.js";
import { settingsOf } from "../pipeline/evaluate/run-in-words.js";
import { headlineTable, writeReport } from "../pipeline/evaluate/write-report.js";
import { readModel } from "../pipeline/run/model-file.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { engineName, executeFor, withEngineOptions } from "./engine-options.js";
import {
  classesFor,
  dataAt,
  evaluateUnder,
  expectDataFor,
  listProtocols,
  type ProtocolOptions,
} from "./evaluate-protocols.js";
import { collect } from "./options.js";

type EvaluateOptions = ProtocolOptions & { readonly list?: true };

/** Adds `kdc-mae evaluate`. */
export function addEvaluateCommand(program: Command): void {
  const command = program
    .command("evaluate")
    .description("evaluate a model under named protocols, or a pretrained one on all four tasks with a picture report")
    .argument("[model]", "a pretrained or fine-tuned .safetensors that kdc-mae wrote", "runs/demo/model.safetensors")
    .option("--protocol <name>", "evaluate under this protocol; may be given several times", collect, [])
    .option("--list", "print every protocol in full")
    .option("--data <path>", "a manifest, folder or prepared shards (default: the data of the model's own experiment)")
    .option("--media-root <folder>", "with --data: where a manifest's paths begin (default: the manifest's folder)")
    .option("--classes <file>", "with --data: a class list that gives AudioSet's mids their names")
    .addOption(
      new Option("--split <name>", "with --protocol: which clips are evaluated")
        .choices(["train", "validation", "test"])
        .default("test"),
    )
    .option("--denormalize", "with --protocol: bring predictions of normalised pixels back with the true statistics")
    .option("--media <folder>", "where made clips are, for models trained on made data", defaultMedia)
    .option("--out <folder>", "where the report goes (default: evaluation, beside the model)")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  kdc-mae evaluate runs/demo/model.safetensors --json
  kdc-mae evaluate runs/demo/model.safetensors --protocol retrieval-middle-frame --protocol inpainting-time-75
  kdc-mae evaluate runs/vggsound/averaged.safetensors --protocol classification-10-frames --data shards/test
  kdc-mae evaluate runs/vggsound/averaged.safetensors --protocol classification-10-frames \\
    --data vggsound.csv --media-root videos
`,
    );
  withEngineOptions(command).action((model: string, options: EvaluateOptions) =>
    atTerminal(async (around) => {
      expectDataFor(options);
      if (options.list) process.stdout.write(listProtocols());
      else if (options.protocol.length > 0) await evaluateUnder(model, options, around);
      else await run(model, options, around);
    }),
  );
}

async function run(path: string, options: EvaluateOptions, around: Surroundings): Promise<void> {
  const started = performance.now();
  const { config, params, statistics, experiment: trained } = await readModel(path);
  const experiment =
    options.data === undefined ? trained : { ...trained, data: dataAt(options.data, options.mediaRoot) };
  const { splits, leftOut } = await openCorpus(experiment, frontEndFor(config, experiment.visual.framesPerClip), {
    media: options.media,
    needs: ["train", "test"],
    classes: await classesFor(options.classes, undefined),
    ...around,
  });
  const media = (performance.now() - started) / 1000;
  const evaluation = await evaluate({
    splits,
    model: { execute: executeFor(options), config, params },
    cutting: { grids: config, statistics, batch: 32 },
    experiment,
    leftOut,
    onProgress: (what) => around.onNote?.(`evaluate: ${what}`),
  });
  const total = (performance.now() - started) / 1000;
  const input: ReportInput = {
    title: `Evaluation of ${trained.name}`,
    engine: engineName(options),
    seconds: { media, pretrain: 0, evaluate: total - media, total },
    settings: [
      ["model", path],
      ...settingsOf(experiment, countParameters(params), 0).filter(([key]) => key !== "training"),
    ],
    ...evaluation,
  };
  const page = await writeReport(options.out ?? join(dirname(path), "evaluation"), input);
  process.stdout.write(options.json ? `${reportJson(input)}\n` : `${headlineTable(input)}\n\nreport: ${page}\n`);
}
