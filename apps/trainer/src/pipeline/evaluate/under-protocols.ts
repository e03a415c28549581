import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError, writeWhole } from "@kdc-mae/core/node";
import type { Split } from "@kdc-mae/data/node";
import { type ProtocolRecord, readVggSounder } from "@kdc-mae/eval";
import {
  type FailedProtocol,
  type Results,
  resultsHtml,
  resultsJson,
  resultsMarkdown,
  resultsMteb,
} from "@kdc-mae/eval/report";
import { countParameters } from "@kdc-mae/model";
import type { CheckedExperiment } from "../experiment/schema.js";
import { readSaved, type Saved } from "../run/read-saved.js";
import { ranksOf } from "../surroundings.js";
import { groupedSet } from "./clip-groups.js";
import { DEFAULT_ENGINE, type EvaluatingOptions, expectUsable, openSubject } from "./open-subject.js";
import { protocolsNamed, runProtocols } from "./protocols/run.js";
import { type Subject, sharedOf } from "./protocols/subject.js";
import { expectTaken } from "./protocols/takes.js";

/** Under which protocols and on which data {@link evaluate} measures. */
export type EvaluateOptions = EvaluatingOptions & {
  /** Names of protocols; see `runnableProtocols`. */
  readonly protocols: readonly string[];
  /** Which clips are evaluated. */
  readonly split?: Split;
  /** Brings predictions of normalised pixels back with the true statistics. */
  readonly denormalize?: boolean;
  /** VGGSounder's labels, the file vggsounder.csv, for the protocol of that name. */
  readonly vggsounder?: string;
  /** A column of the clips' list: every figure in every group of it as well, and the largest gap. */
  readonly by?: string;
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
    ["data", "path" in data ? data.path : `synthetic clips, ${data.train} + ${data.validation} + ${data.test}`],
    ["split", split],
    ["engine", engine],
    [
      "intervals",
      "95 %, over clips: percentile bootstrap, 1,000 resamples, exact where the clips of a share are all alike, unless a protocol says otherwise",
    ],
  ] as const;
}

/** @throws KdcError (`usage`) for what is given to a protocol that is not among the chosen ones */
function expectRead(chosen: readonly ProtocolRecord[], { vggsounder, denormalize }: EvaluateOptions): void {
  const given = [
    ["vggsounder", vggsounder !== undefined, "vggsounder"],
    ["denormalize", denormalize === true, "inpainting"],
  ] as const;
  for (const [option, isGiven, task] of given) {
    if (!isGiven || chosen.some(({ conduct }) => conduct.task === task)) continue;
    throw new KdcError({
      where: `evaluate, ${option}`,
      what: `only protocols of ${task} read it, and none is asked for`,
      remedy: `Leave it out, or add a protocol of ${task}`,
      reason: "usage",
    });
  }
}

/** VGGSounder's labels in a file. @throws KdcError for one that cannot be read */
const sounderLabels = async (file: string) =>
  readVggSounder(
    await readFile(file, "utf8").catch((error) => {
      throw fileError("read", file, error);
    }),
  );

/**
 * Evaluates a pretrained model or a classifier under named protocols.
 *
 * @param model a file, `hf://user/name`, or what `loadModel` made of one
 * @throws KdcError for an unknown protocol, one that this kind of model cannot be evaluated under, or an empty split
 */
export async function evaluate(model: string | Saved, options: EvaluateOptions): Promise<EvaluatedProtocols> {
  const { engine = DEFAULT_ENGINE, out, vggsounder, by, denormalize = false } = options;
  const chosen = protocolsNamed(options.protocols);
  expectRead(chosen, options);
  const labels = vggsounder === undefined ? undefined : await sounderLabels(vggsounder);
  await expectUsable(options);
  const saved = typeof model === "string" ? await readSaved(model, options) : model;
  for (const record of chosen) expectTaken(record, saved, { denormalize, vggsounder: labels });
  const { subject, data, seen, close } = await openSubject(chosen, saved, options);
  const { split } = subject;
  const failed: FailedProtocol[] = [];
  const carriedOut = async () => {
    let done = 0;
    const onProgress = (note?: string) =>
      options.onProgress?.({ stage: "evaluate", unit: "protocols", done, total: chosen.length, note });
    const onDone = (count: number) => {
      done = count;
      onProgress();
    };
    onProgress();
    const grouped = by === undefined ? undefined : await groupedSet(subject.sets[split], by);
    const told: Subject = {
      ...{ ...subject, denormalize, vggsounder: labels, onProgress },
      ...(grouped && { sets: { ...subject.sets, [split]: grouped.set }, groups: grouped.groups }),
    };
    return runProtocols(chosen, told, (one) => failed.push(one), onDone);
  };
  const sections = await carriedOut().finally(close);
  const { experiment } = sharedOf(saved);
  const results: Results = {
    title: `${experiment.name} under ${chosen.length === 1 ? chosen[0].protocol.name : `${chosen.length} protocols`}`,
    about: aboutLines(
      typeof model === "string" ? model : "in memory",
      ...[saved, seen === undefined ? split : `${split} (${seen})`, engine, data],
    ),
    sections,
    ...(failed.length === 0 ? {} : { failed }),
  };
  if (out === undefined) return { results };
  if (ranksOf(options).rank === 0) {
    await writeWhole(join(out, "protocols.json"), resultsJson(results));
    await writeWhole(join(out, "mteb.json"), resultsMteb(results, split));
    await writeWhole(join(out, "protocols.md"), resultsMarkdown(results));
    await writeWhole(join(out, "protocols.html"), resultsHtml(results));
  }
  return { results, page: resolve(out, "protocols.html") };
}
