import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { writeWhole } from "@kdc-mae/core/node";
import { type ClassLabels, readClassLabels } from "@kdc-mae/data/node";
import { printProtocol, type Results, resultsHtml, resultsJson, resultsMarkdown, resultsText } from "@kdc-mae/eval";
import { countParameters } from "@kdc-mae/model";
import { openSplitSets } from "../pipeline/corpus/clip-set.js";
import { protocolsNamed, runnableProtocols } from "../pipeline/evaluate/protocols/plan.js";
import { runProtocols, splitsFor } from "../pipeline/evaluate/protocols/run.js";
import { frontEndOf, ownData, type Saved, sharedOf } from "../pipeline/evaluate/protocols/subject.js";
import type { CheckedExperiment } from "../pipeline/experiment/schema.js";
import { readEither } from "../pipeline/run/classifier-file.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { type EngineChoice, engineName, executeFor } from "./engine-options.js";

export type ProtocolOptions = EngineChoice & {
  readonly media: string;
  readonly data?: string;
  readonly mediaRoot?: string;
  readonly classes?: string;
  readonly split: "train" | "validation" | "test";
  readonly out?: string;
  readonly protocol: readonly string[];
  readonly denormalize?: true;
  readonly json?: true;
};

/** Every protocol there is, in full. */
export const listProtocols = (): string =>
  `${runnableProtocols.map(({ protocol }) => printProtocol(protocol)).join("\n\n")}\n`;

const isRemote = (path: string) => /^(https?|s3):\/\//.test(path);

/** A folder that prepare made, a tar or an address is shards; anything else is a manifest. */
export const dataAt = (path: string, mediaRoot?: string): CheckedExperiment["data"] =>
  isRemote(path) || path.endsWith(".tar") || existsSync(join(path, "dataset.json"))
    ? { kind: "shards", path, workers: 1 }
    : { kind: "manifest", path, mediaRoot };

/** @throws KdcError for options that say something of `--data`, without it */
export function expectDataFor({ data, mediaRoot, classes }: ProtocolOptions): void {
  if (data !== undefined || (mediaRoot === undefined && classes === undefined)) return;
  throw new KdcError({
    where: mediaRoot === undefined ? "--classes" : "--media-root",
    what: "it says how --data is read, and no --data is given",
    remedy: "Add --data, or leave it out: the data of the model's own experiment are read as the experiment says",
    reason: "usage",
  });
}

/** The class list of the data; the model's own where it was told one and it is still there. */
export async function classesFor(asked: string | undefined, own: string | undefined): Promise<ClassLabels | undefined> {
  if (asked !== undefined) return readClassLabels(asked);
  return own !== undefined && existsSync(own) ? readClassLabels(own) : undefined;
}

/** What was evaluated, line by line. */
function aboutLines(path: string, saved: Saved, options: ProtocolOptions, data: CheckedExperiment["data"]) {
  const { params, experiment } = sharedOf(saved);
  return [
    ["model", path],
    ["experiment", `${experiment.name}, seed ${experiment.seed}`],
    ["parameters", countParameters(params).toLocaleString("en")],
    ...("classifier" in saved ? [["weights", saved.classifier.weights] as const] : []),
    ["data", "path" in data ? data.path : `made clips, ${data.train} + ${data.validation} + ${data.test}`],
    ["split", options.split],
    ["engine", engineName(options)],
    ["intervals", "95 % percentile bootstrap over clips, 1,000 resamples"],
  ] as const;
}

/** Evaluates under named protocols; prints the figures with every protocol in full, and writes them to a folder. */
export async function evaluateUnder(path: string, options: ProtocolOptions, around: Surroundings): Promise<void> {
  const chosen = protocolsNamed(options.protocol);
  const saved = await readEither(path);
  const { data: own, seed, evaluationOnly, classes } = ownData(saved);
  const data = options.data === undefined ? own : dataAt(options.data, options.mediaRoot);
  const { split } = options;
  const { sets, leftOut, close } = await openSplitSets({ data, seed }, frontEndOf(saved), {
    ...{ media: options.media, unsplit: options.data === undefined && !evaluationOnly ? "train" : split, ...around },
    classes: await classesFor(options.classes, classes),
    ...splitsFor(
      chosen.map(({ plan }) => plan),
      split,
    ),
  });
  const sections = await runProtocols(chosen, {
    ...{ saved, sets, split, leftOut, batch: 32, signal: around.signal, execute: executeFor(options) },
    denormalize: options.denormalize === true,
    onProgress: (what) =>
      around.onProgress?.({ stage: "evaluate", unit: "protocols", done: 0, total: chosen.length, note: what }),
  }).finally(close);
  const results: Results = {
    title: `${sharedOf(saved).experiment.name} under ${chosen.length === 1 ? chosen[0].protocol.name : `${chosen.length} protocols`}`,
    about: aboutLines(path, saved, options, data),
    sections,
  };
  const out = options.out ?? join(dirname(path), "evaluation");
  await mkdir(out, { recursive: true });
  await writeWhole(join(out, "protocols.json"), resultsJson(results));
  await writeWhole(join(out, "protocols.md"), resultsMarkdown(results));
  await writeWhole(join(out, "protocols.html"), resultsHtml(results));
  process.stdout.write(
    options.json ? resultsJson(results) : `${resultsText(results)}\n\nreport: ${resolve(out, "protocols.html")}\n`,
  );
}
