import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  countPatches,
  createRng,
  type FloatTensor,
  float32,
  type HostPatches,
  type PatchGrid,
  patchLength,
} from "@kdc-mae/core";
import { writeWhole } from "@kdc-mae/core/node";
import { expectSplit } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { type Interval, type Over, overOf, type ProtocolRecord } from "@kdc-mae/eval";
import {
  differenceText,
  intervalText,
  markdownTable,
  type NumberKind,
  numberText,
  overText,
} from "@kdc-mae/eval/report";
import { countParameters } from "@kdc-mae/model";
import { fittedSplit, nameOfData } from "../corpus/choose-clips.js";
import { countClips } from "../corpus/count-clips.js";
import { evaluatedSplit } from "../evaluate/chosen-data.js";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import type { EvaluatingOptions } from "../evaluate/open-subject.js";
import { splitsFor } from "../evaluate/protocols/run.js";
import { sharedOf } from "../evaluate/protocols/subject.js";
import type { GivenBeside } from "../evaluate/protocols/takes.js";
import { evaluate } from "../evaluate/under-protocols.js";
import { differingKeys } from "../experiment/differing.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { type ReadOptions, readSaved, type Saved } from "../run/read-saved.js";
import { localModel } from "../share/local-model.js";
import { clockOf, type Surroundings } from "../surroundings.js";

/** A model beside a larger one: what it takes, how fast it embeds, and what it reaches. */
export type ComparedModel = {
  readonly name: string;
  readonly file: string;
  /** Numbers in the encoder, which is all that embedding takes, and in the whole file. */
  readonly encoder: number;
  readonly parameters: number;
  readonly bytes: number;
  /** To embed one clip, both modalities, nothing hidden: median over passes of batches of eight, the models by turns. */
  readonly milliseconds: number;
  readonly figures: readonly MeasuredFigure[];
};

/** One figure under one protocol. */
export type MeasuredFigure = {
  readonly protocol: string;
  readonly key: string;
  readonly name: string;
  readonly kind: NumberKind;
  readonly value: number | null;
  readonly interval?: Interval;
  /** What it is of, and how many: 192 clips. */
  readonly over: Over;
};

/** What is compared, under which name; `assume`: of an official checkpoint. */
export type Comparable = Pick<ReadOptions, "assume"> & { readonly name: string; readonly file: string };

/** Whose clips models are measured on: those of an experiment. */
export type MeasuredOn = Pick<CheckedExperiment, "data" | "seed" | "visual">;

/** Which figures are compared, on which clips. */
export type CompareOptions = Omit<EvaluatingOptions, "out" | "assume"> & {
  readonly execute: Execute;
  /** The experiment whose clips every model is measured on; each on its own experiment's unless given. */
  readonly on?: MeasuredOn;
  /** Protocols; none where only size and speed are wanted. */
  readonly protocols: readonly string[];
};

/** What is given to protocols that compare models, beside the models: nothing. */
export const MEASURED: GivenBeside = { denormalize: false };

const BATCH = 8;
/** Passes that are timed, after one that makes the program. */
const PASSES = 9;

/**
 * Asked before a model is trained, which may take days: whether its experiment has the clips that it is to be measured on then.
 *
 * @throws KdcError (`empty-split`) where no clip is of a split that one of the protocols needs
 */
export async function expectClipsFor(
  chosen: readonly ProtocolRecord[],
  on: MeasuredOn,
  around: Surroundings,
): Promise<void> {
  if (chosen.length === 0) return;
  const { needs } = splitsFor(chosen, evaluatedSplit(undefined, fittedSplit(on.data)));
  const counted = await countClips(on, { ...around, onNote: undefined });
  for (const name of needs) expectSplit(counted, name, `data set ${nameOfData(on.data)}`);
}

const noise = (grid: PatchGrid): FloatTensor => {
  const rng = createRng("compare");
  const shape = [BATCH, countPatches(grid), patchLength(grid)];
  return float32(
    shape,
    Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => rng.normal()),
  );
};

/** A model as if its experiment's clips were others, of which as many pictures are taken for each model. */
function savedOn(saved: Saved, { data, seed, visual: { framesPerClip } }: MeasuredOn): Saved {
  if ("model" in saved) {
    const { experiment } = saved.model;
    const visual = { ...experiment.visual, framesPerClip };
    return { model: { ...saved.model, experiment: { ...experiment, data, seed, visual }, assumed: undefined } };
  }
  const { experiment } = saved.classifier;
  const evaluation = { ...experiment.evaluation, data: undefined };
  const visual = { ...experiment.visual, framesPerClip };
  const own = { ...experiment, data, seed, evaluation, visual };
  return { classifier: { ...saved.classifier, experiment: own, assumed: undefined } };
}

/**
 * Compares models in one run: sizes, speed of embedding by turns, and figures under the same protocols on the same clips.
 *
 * @param models in the order of the table, the one that others are measured by first
 */
export async function compareModels(
  models: readonly Comparable[],
  options: CompareOptions,
): Promise<readonly ComparedModel[]> {
  const { execute, protocols, signal, on, ...around } = options;
  const clock = clockOf(around);
  const opened = await Promise.all(
    models.map(async (model) => {
      const { size: bytes } = await stat(await localModel(model.file, around));
      const saved = await readSaved(model.file, { ...around, assume: model.assume });
      const { config, params } = sharedOf(saved);
      const patches: HostPatches = { audio: noise(config.audio), visual: noise(config.visual) };
      return {
        ...{ ...model, saved, bytes, params, patches },
        embedder: createBatchEmbedder(execute, config, params),
        times: [] as number[],
      };
    }),
  );
  for (let pass = 0; pass <= PASSES; pass++) {
    for (const { embedder, patches, times } of opened) {
      signal?.throwIfAborted();
      const began = clock();
      await embedder.embed(patches);
      if (pass > 0) times.push((clock() - began) / BATCH);
    }
  }
  const compared: ComparedModel[] = [];
  for (const { name, file, saved, bytes, params, embedder, times } of opened) {
    await embedder.dispose();
    const measured = async () => {
      if (on !== undefined && differingKeys(sharedOf(saved).experiment.data, on.data).length > 0) {
        around.onNote?.(`${name}: whether it was trained on the clips that it is measured on was not checked`);
      }
      const { results } = await evaluate(on === undefined ? saved : savedOn(saved, on), {
        ...{ ...around, signal, execute, protocols },
      });
      return results;
    };
    const results = protocols.length === 0 ? undefined : await measured();
    for (const { protocol, message } of results?.failed ?? []) around.onNote?.(`${name}: ${protocol}: ${message}`);
    compared.push({
      ...{ name, file },
      encoder: countParameters(params.encoder),
      parameters: countParameters(params),
      bytes,
      milliseconds: times.sort((a, b) => a - b)[PASSES >> 1],
      figures: (results?.sections ?? []).flatMap(({ figures, ...section }) =>
        figures.map(({ key, name: words, kind, value, interval, over }) => ({
          ...{ protocol: section.protocol.name, key, name: words, kind, value, over: overOf({ over }, section) },
          ...(interval === undefined ? {} : { interval }),
        })),
      ),
    });
  }
  return compared;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)} MB`;

/** A figure as it is said beside others: with its interval, and how far it is from the first model's. */
function figureText({ kind, value, interval }: MeasuredFigure, first?: number | null): string {
  const ends = intervalText(interval, kind);
  const apart = typeof first === "number" && value !== null ? differenceText(value - first, kind) : "";
  const beside = [ends, apart].filter((text) => text !== "").join("; ");
  return `${numberText(value, kind)}${beside === "" ? "" : ` (${beside})`}`;
}

/**
 * What was compared as rows of a table: the first model's value, then each other's with its share of it, or with how far its
 * figure is from the first one's, in points where it is a share.
 */
export function comparisonRows(models: readonly ComparedModel[]): readonly (readonly string[])[] {
  const [first, ...others] = models;
  const counted = (words: string, of: (model: ComparedModel) => number, text: (value: number) => string) => [
    words,
    text(of(first)),
    ...others.map((model) => `${text(of(model))} (${(of(model) / of(first)).toFixed(2)} ×)`),
  ];
  const numbers = (value: number) => value.toLocaleString("en");
  return [
    ["", ...models.map(({ name }) => name)],
    counted("parameters of the encoder", ({ encoder }) => encoder, numbers),
    counted("parameters in all", ({ parameters }) => parameters, numbers),
    counted("file", ({ bytes }) => bytes, megabytes),
    counted(
      "ms to embed a clip",
      ({ milliseconds }) => milliseconds,
      (value) => value.toFixed(2),
    ),
    ...first.figures.map((figure) => [
      `${figure.protocol}: ${figure.name}, ${overText(figure.over)}`,
      figureText(figure),
      ...others.map(({ figures }) => {
        const found = figures.find(({ protocol, key }) => protocol === figure.protocol && key === figure.key);
        return found === undefined ? "–" : figureText(found, figure.value);
      }),
    ]),
  ];
}

/** The file that a finished distillation or pruning leaves its table in, with `.json` and `.md`. */
const COMPARISON_FILE = "comparison";

/** Writes what was compared beside a model. */
export async function writeComparison(folder: string, compared: readonly ComparedModel[]): Promise<void> {
  const [head, ...rows] = comparisonRows(compared);
  await writeWhole(join(folder, `${COMPARISON_FILE}.json`), `${JSON.stringify(compared, null, 2)}\n`);
  await writeWhole(join(folder, `${COMPARISON_FILE}.md`), `${markdownTable(head, rows)}\n`);
}
