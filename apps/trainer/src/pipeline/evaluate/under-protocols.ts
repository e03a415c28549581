import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { expectWritable, writeWhole } from "@kdc-mae/core/node";
import { batchThreads } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { readVggSounder } from "@kdc-mae/eval";
import {
  type FailedProtocol,
  type Results,
  resultsHtml,
  resultsJson,
  resultsMarkdown,
  resultsMteb,
} from "@kdc-mae/eval/report";
import { countParameters } from "@kdc-mae/model";
import { openSplitSets } from "../corpus/clip-set.js";
import { mediaFor } from "../corpus/open-corpus.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { type ReadOptions, readSaved, type Saved } from "../run/read-saved.js";
import { hubAddress, isHubAddress } from "../share/hub-address.js";
import { type Surroundings, surroundingsOf } from "../surroundings.js";
import {
  classesFor,
  type DataChoice,
  evaluatedData,
  evaluatedSplit,
  expectData,
  expectDataFor,
} from "./chosen-data.js";
import { openCutting } from "./cutting.js";
import { protocolsNamed, type RunnableProtocol } from "./protocols/plan.js";
import { expectProbesApart, runProtocols, splitsFor, usesOf } from "./protocols/run.js";
import { formOf, ownData, sharedOf } from "./protocols/subject.js";

/** Under which protocols and on which data {@link evaluate} measures. */
export type EvaluateOptions = Surroundings &
  DataChoice &
  Pick<ReadOptions, "assume"> & {
    /** Names of protocols; see `runnableProtocols`. */
    readonly protocols: readonly string[];
    /** Which clips are evaluated. */
    readonly split?: "train" | "validation" | "test";
    /** Brings predictions of normalised pixels back with the true statistics. */
    readonly denormalize?: boolean;
    /** VGGSounder's labels, the file vggsounder.csv, for the protocol of that name. */
    readonly vggsounder?: string;
    /** A folder for protocols.json, protocols.md and protocols.html; nothing is written unless given. */
    readonly out?: string;
    /** Where made clips are kept, for models trained on made data. */
    readonly media?: string;
    /** What computes, and its name in the results; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    readonly engine?: string;
  };

/** Figures under protocols, and the page they were written to. */
export type EvaluatedProtocols = { readonly results: Results; readonly page?: string };

/** What was evaluated, line by line. */
function aboutLines(name: string, saved: Saved, split: string, engine: string, data: CheckedExperiment["data"]) {
  const { params, experiment } = sharedOf(saved);
  return [
    ["model", name],
    ["experiment", `${experiment.name}, seed ${experiment.seed}`],
    ["parameters", countParameters(params).toLocaleString("en")],
    ...("classifier" in saved ? [["weights", saved.classifier.weights] as const] : []),
    ["data", "path" in data ? data.path : `made clips, ${data.train} + ${data.validation} + ${data.test}`],
    ["split", split],
    ["engine", engine],
    ["intervals", "95 % percentile bootstrap over clips, 1,000 resamples"],
  ] as const;
}

/** Where a model's results go unless told: beside it; those of a model on a hub in `runs/`. */
export const evaluationFolder = (model: string): string =>
  isHubAddress(model) ? join("runs", hubAddress(model).repo, "evaluation") : join(dirname(model), "evaluation");

/**
 * The clips that protocols look at.
 *
 * @throws KdcError for options that are not read, an empty split, and clips that would be fitted and scored
 */
export async function openEvaluated(
  chosen: readonly RunnableProtocol[],
  saved: Saved,
  options: Omit<EvaluateOptions, "protocols">,
) {
  expectDataFor(options);
  const own = ownData(saved);
  const { data, namedFor, fits } = evaluatedData(options, own);
  const split = evaluatedSplit(options.split, fits);
  const { needs, only } = splitsFor(
    chosen.map(({ plan }) => plan),
    split,
  );
  expectProbesApart(chosen, split);
  const opened = await openSplitSets({ data, seed: own.seed }, formOf(saved), {
    ...{ ...surroundingsOf(options), media: mediaFor(options.media, data) },
    ...{ namedFor, scored: split, needs, only, uses: usesOf(only, split) },
    classes: await classesFor(options.classes, own.classes),
  });
  return { ...opened, data, split, fits };
}

/**
 * Evaluates a pretrained model or a classifier under named protocols.
 *
 * @param model a file, or what {@link readSaved} made of one
 * @throws KdcError for an unknown protocol, one that this kind of model cannot be evaluated under, or an empty split
 */
export async function evaluate(model: string | Saved, options: EvaluateOptions): Promise<EvaluatedProtocols> {
  const { execute = compiled(), engine = "compiled (ONNX Runtime, cpu)", out } = options;
  const around = surroundingsOf(options);
  const chosen = protocolsNamed(options.protocols);
  if (out !== undefined) await expectWritable(out);
  const saved = typeof model === "string" ? await readSaved(model, options) : model;
  expectData(sharedOf(saved), options);
  const { sets, leftOut, split, fits, data, close } = await openEvaluated(chosen, saved, options);
  const { vggsounder } = options;
  const labels = vggsounder === undefined ? undefined : readVggSounder(await readFile(vggsounder, "utf8"));
  const failed: FailedProtocol[] = [];
  const { config, statistics } = sharedOf(saved);
  const cutting = openCutting({ grids: config, statistics, batch: 32 }, batchThreads);
  const sections = await runProtocols(
    chosen,
    {
      ...{ saved, sets, split, leftOut, cutting, signal: around.signal, execute },
      denormalize: options.denormalize === true,
      vggsounder: labels,
      onProgress: (note) =>
        around.onProgress?.({ stage: "evaluate", unit: "protocols", done: 0, total: chosen.length, note }),
    },
    (one) => failed.push(one),
  ).finally(async () => {
    await cutting.cutter.close();
    await close();
  });
  const { experiment } = sharedOf(saved);
  const results: Results = {
    title: `${experiment.name} under ${chosen.length === 1 ? chosen[0].protocol.name : `${chosen.length} protocols`}`,
    about: aboutLines(
      typeof model === "string" ? model : "in memory",
      ...[saved, split === fits ? `${split} (the model was trained on these clips)` : split, engine, data],
    ),
    sections,
    ...(failed.length === 0 ? {} : { failed }),
  };
  if (out === undefined) return { results };
  await writeWhole(join(out, "protocols.json"), resultsJson(results));
  await writeWhole(join(out, "mteb.json"), resultsMteb(results, split));
  await writeWhole(join(out, "protocols.md"), resultsMarkdown(results));
  await writeWhole(join(out, "protocols.html"), resultsHtml(results));
  return { results, page: resolve(out, "protocols.html") };
}
