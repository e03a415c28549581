import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "@kdc-mae/core/node";
import { stringify } from "yaml";
import type { DataDigest, RunData } from "../corpus/data-digest.js";
import { plainValues } from "../experiment/plain-values.js";
import { readEvents } from "../log/events-file.js";
import type { RunRecord } from "../log/run-logger.js";
import { EXPERIMENT, readLogEntries, readRunFolder } from "../run/run-folder.js";
import { cardFigures } from "./card-figures.js";
import { hubAddress } from "./hub-address.js";

/** What a card says that no run records. */
export type CardOptions = {
  /** An identifier such as `mit` or `cc-by-4.0`; without one the card says that none was given. */
  readonly license?: string;
  /** Where it will be found, such as `hf://user/name`. */
  readonly address?: string;
};

/** A cell of a Markdown table. */
const cell = (text: string): string => text.replaceAll(/[\r\n]+/g, " ").replaceAll(/[|<>\\`*_[\]]/g, "\\$&");
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows]
    .map((row, at) => `| ${(at === 1 ? row : row.map(cell)).join(" | ")} |`)
    .join("\n");

const hours = (seconds: number): string =>
  seconds < 5400 ? `${(seconds / 60).toFixed(1)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;

type Begin = Extract<RunRecord, { kind: "begin" }>;

/** Joules of all calls of a run: each counts from its own beginning. */
function joulesOf(records: readonly RunRecord[]): number | undefined {
  let [done, own, isKnown] = [0, 0, false];
  for (const record of records) {
    if (record.kind === "begin") [done, own] = [done + own, 0];
    if (record.kind !== "epoch" || record.joules === undefined) continue;
    isKnown = true;
    own = record.joules;
  }
  return isKnown ? done + own : undefined;
}

function dataLines(experiment: Readonly<Record<string, unknown>>, data: RunData | undefined): string[] {
  const source = (experiment.data ?? {}) as { kind?: string; path?: string };
  const where =
    source.kind === "synthetic" ? "synthetic clips made by kdc-mae (no real recordings)" : (source.path ?? "");
  const counted = (digest: DataDigest, what: string) => `${digest.clips.toLocaleString("en")} ${what}`;
  return [
    `- Source: ${cell(where)}${source.kind === undefined ? "" : ` (${source.kind})`}`,
    ...(data === undefined
      ? ["- Effective N: not recorded by this run"]
      : [
          `- Effective N: ${counted(data.fitted, "clips trained on")}, of ${counted(data.named, "that the data name")}`,
          ...(data.named.decodedBy === undefined ? [] : [`- Decoded by ${cell(data.named.decodedBy)}`]),
          `- Digest of the clips trained on: ids ${data.fitted.ids}, labels ${data.fitted.labels}`,
        ]),
  ];
}

/**
 * A model card of a run, as Markdown with the metadata hubs read: data with how many clips were really trained on, the
 * experiment, figures with intervals and protocols, machine, time, energy, limits, licence. Nothing in it that was not
 * recorded.
 *
 * @throws KdcError for a folder without a run
 */
export async function runCard(folder: string, { license, address }: CardOptions = {}): Promise<string> {
  if (!existsSync(join(folder, EXPERIMENT))) await readRunFolder(folder);
  const file = join(folder, EXPERIMENT);
  const experiment = (await readJson(file, "Give another run, or restore the file")) as Record<string, unknown>;
  const records = await readEvents(folder);
  const log = await readLogEntries(folder);
  const { figures, warnings } = await cardFigures(folder);
  const begins = records.filter((record): record is Begin => record.kind === "begin");
  const isTuned = experiment.loss !== undefined && experiment.objective === undefined;
  const name = String(experiment.name);
  const source = (experiment.data ?? {}) as { kind?: string; path?: string };
  const dataName = source.kind === "synthetic" ? "synthetic clips" : (source.path ?? "clips");
  const metadata = {
    ...(license === undefined ? {} : { license }),
    library_name: "kdc-mae",
    pipeline_tag: isTuned ? "video-classification" : "feature-extraction",
    tags: ["audio-visual", "kdc-mae", isTuned ? "classification" : "self-supervised"],
    ...(figures.length === 0
      ? {}
      : {
          "model-index": [
            {
              name,
              results: figures.map((figure) => ({
                task: { type: isTuned ? "video-classification" : "feature-extraction", name: figure.protocol },
                dataset: { name: dataName, type: "custom" },
                metrics: [{ type: figure.name, value: figure.value, name: `${figure.name} (${figure.over})` }],
              })),
            },
          ],
        }),
  };
  const trained = log.reduce((sum, { seconds, waited = 0 }) => sum + seconds + waited, 0);
  const joules = joulesOf(records);
  const collapse = records.flatMap((record) => (record.kind === "warning" ? [record.what] : []));
  const probed = records.some(({ kind }) => kind === "probe");
  const [machines, computed] = (["machine", "on"] as const).map((part) => [
    ...new Set(begins.flatMap((begin) => begin[part] ?? [])),
  ]);
  const at = address === undefined ? "model.safetensors" : `hf://${hubAddress(address).repo}`;
  const lines = [
    `# ${cell(name)}`,
    "",
    isTuned
      ? "A classifier of sound and picture, fine-tuned on a KDC-MAE encoder (WACV 2025) with kdc-mae."
      : "Joint embeddings of sound and picture, pretrained without labels by KDC-MAE (WACV 2025) with kdc-mae.",
    "",
    ...["## Use", "", "```js", 'import { loadModel } from "@kdc-mae/trainer";', ""],
    ...[`const saved = await loadModel(${JSON.stringify(at)});`, "```", ""],
    ...["## Data", "", ...dataLines(experiment, begins.at(-1)?.data), ""],
    ...["## Figures", ""],
    ...(figures.length === 0
      ? ["None were measured: `kdc-mae evaluate --protocol …` writes them beside the model."]
      : [
          table(
            ["protocol", "figure", "value", "95 % interval", "baseline", "over"],
            figures.map((figure) => [
              ...[figure.protocol, figure.name, figure.text, figure.interval, figure.baseline, figure.over],
            ]),
          ),
          "",
          "Intervals are over what stands beside them: they say how another draw of such clips, queries or episodes would differ, not another training. A figure without one was not resampled, does not differ from resample to resample, or stands on one clip or recording.",
        ]),
    ...["", "## How it was trained", ""],
    `- Machine: ${machines.length === 0 ? "not recorded" : machines.map(cell).join("; ")}`,
    `- Computed on: ${computed.length === 0 ? "not recorded" : computed.map(cell).join("; ")}`,
    `- Steps: ${log.at(-1)?.step ?? 0}, in ${log.length} epochs`,
    `- Time in training, without decoding beforehand: ${hours(trained)}`,
    joules === undefined
      ? "- Energy: not recorded (the counters of this machine's processors were not readable)"
      : `- Energy of the machine's processors, all of their work, to the last whole epoch: ${(joules / 3.6e6).toPrecision(3)} kWh (RAPL)`,
    ...[
      "",
      table(
        ["key", "value"],
        plainValues(experiment).map(([key, text]) => [key, text]),
      ),
      "",
    ],
    ...["## Limits", ""],
    "- Figures hold for the clips they were measured on; other sounds, cameras and languages were not tried.",
    "- It learns which sounds and pictures go together in its data, with whatever bias the data have.",
    ...(probed
      ? ["- While it trained it was looked at on validation clips: a figure on those is not an independent one."]
      : []),
    ...(source.kind === "synthetic"
      ? ["- It has seen synthetic clips only, and is of no use on real recordings."]
      : []),
    ...[...new Set(collapse)].map((what) => `- While it trained: ${cell(what)}`),
    ...warnings.map((warning) => `- ${cell(warning)}`),
    ...["", "## Licence", ""],
    license === undefined
      ? "None was given: ask its author before using it. The data's own licences apply beside it."
      : `${cell(license)}. The data's own licences apply beside it.`,
  ];
  return `---\n${stringify(metadata)}---\n\n${lines.join("\n")}\n`;
}
