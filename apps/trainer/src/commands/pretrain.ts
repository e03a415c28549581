import { createRng, type FloatTensor } from "@kdc-mae/core";
import { loadImageMae, loadModel, type ModelConfig, type ModelParams } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import type { Command } from "commander";
import { measureStatistics, type Statistics } from "../pipeline/corpus/batch.js";
import { frontEndFor } from "../pipeline/corpus/front-end.js";
import { defaultMedia, openCorpus } from "../pipeline/corpus/open-corpus.js";
import { remoteAccess } from "../pipeline/corpus/remote-access.js";
import { openShardSource } from "../pipeline/corpus/shard-source.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { loadExperiment } from "../pipeline/experiment/load.js";
import type { CheckedExperiment } from "../pipeline/experiment/schema.js";
import type { BatchSource } from "../pipeline/pretrain/batch-source.js";
import { maskerFor } from "../pipeline/pretrain/masker.js";
import { memorySourceFor } from "../pipeline/pretrain/memory-source.js";
import { runPretraining } from "../pipeline/pretrain/run-pretraining.js";
import { inCheckpoint } from "../pipeline/run/in-checkpoint.js";
import { configFor } from "../pipeline/run/model-file.js";
import { openRunFolder } from "../pipeline/run/run-folder.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { type EngineChoice, executeFor, withEngineOptions } from "./engine-options.js";
import { collect, saysStopped } from "./options.js";

type PretrainCommandOptions = EngineChoice & {
  readonly out?: string;
  readonly media: string;
  readonly set: string[];
  readonly init?: string;
};

/** Adds `kdc-mae pretrain`. */
export function addPretrainCommand(program: Command): void {
  const command = program
    .command("pretrain")
    .description("pretrain an experiment; run again, it goes on where it was stopped")
    .argument("<experiment>", "a name, or a .ts, .mjs or .json file")
    .option("--out <folder>", "where the run goes (default: runs/<name>)")
    .option("--media <folder>", "where made clips go, for experiments on made data", defaultMedia)
    .option("--set <key=value>", "change the experiment, such as data.path=manifest.csv", collect, [])
    .option("--init <checkpoint>", "start from a CAV-MAE, KDC-MAE or ImageNet MAE checkpoint (.pth, .safetensors)")
    .addHelpText(
      "after",
      "\nExample:\n  kdc-mae pretrain kdc-mae-base --set data.path=vggsound.csv --out runs/vggsound\n",
    );
  withEngineOptions(command).action((experiment: string, options: PretrainCommandOptions) =>
    untilInterrupted((signal) => run(experiment, options, signal)),
  );
}

/** A model from any checkpoint that fits; files with a class token are ImageNet MAEs. */
async function startFrom(path: string, config: ModelConfig, seed: number): Promise<ModelParams<FloatTensor>> {
  const { tensors } = await readCheckpoint(path);
  const loaded = inCheckpoint(path, () =>
    "cls_token" in tensors ? loadImageMae(config, tensors, createRng(seed).fork("init")) : loadModel(config, tensors),
  );
  for (const note of loaded.notes) process.stderr.write(`${path}: ${note}\n`);
  return loaded.params;
}

type Opened = { readonly source: BatchSource; readonly statistics: Statistics; readonly close: () => Promise<void> };

/** Where the batches come from: prepared shards as they are needed, or clips decoded into memory. */
async function openSource(
  experiment: CheckedExperiment,
  config: ModelConfig,
  media: string,
  signal: AbortSignal,
): Promise<Opened> {
  const { data, audio, training, seed, visual } = experiment;
  if (data.kind === "shards") {
    const source = await openShardSource(data.path, {
      grids: { audio: config.audio, visual: config.visual },
      statistics: audio.statistics,
      masker: maskerFor(experiment),
      batch: training.batch,
      seed,
      noise: audio.noise,
      split: data.split,
      workers: data.workers,
      remote: remoteAccess(process.env),
    });
    return { source, statistics: source.statistics, close: source.close };
  }
  const frontEnd = frontEndFor(config, visual.framesPerClip);
  const { splits } = await openCorpus(experiment, frontEnd, { media, needs: ["train"], signal });
  const statistics = audio.statistics === "measured" ? measureStatistics(splits.train) : audio.statistics;
  return {
    source: memorySourceFor(experiment, config, splits.train, statistics),
    statistics,
    close: async () => undefined,
  };
}

async function run(name: string, options: PretrainCommandOptions, signal: AbortSignal): Promise<void> {
  const experiment = await loadExperiment(name, options.set.map(parseChange));
  const out = options.out ?? `runs/${experiment.name}`;
  const config = configFor(experiment);
  const start = options.init === undefined ? undefined : await startFrom(options.init, config, experiment.seed);
  const folder = await openRunFolder(out, experiment);
  const execute = executeFor(options);
  const { source, statistics, close } = await openSource(experiment, config, options.media, signal);
  const trained = await runPretraining({ folder, config, source, statistics, execute, start, signal }).finally(close);
  if (trained === undefined) return saysStopped(out);
  process.stdout.write(`model: ${folder.file("model.safetensors")} (${trained.steps} steps)\n`);
}
