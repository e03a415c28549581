/**
 * Evaluates embeddings that any model wrote to a plain file. Nothing but @kdc-mae/eval is needed.
 *
 *   node evaluate.mjs embeddings.csv report
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  findProtocol,
  kindsOf,
  labelIndices,
  linearProbe,
  matrix,
  protocols,
  retrieval,
  varyProtocol,
} from "@kdc-mae/eval";
import { headline, numberText, reportHtml, reportJson, reportMarkdown } from "@kdc-mae/eval/report";

/** Rows of a CSV file with columns id, kind, split, audio0 …, visual0 …. Clips with an empty cell are left out. */
function readClips(text) {
  const [head, ...lines] = text.trim().split("\n");
  const columns = head.split(",");
  const places = (name) => columns.flatMap((column, place) => (column.startsWith(name) ? [place] : []));
  const [audio, visual] = [places("audio"), places("visual")];
  const rows = lines.map((line) => line.split(","));
  const whole = rows.filter((row) => row.length === columns.length && row.every((cell) => cell !== ""));
  const clips = whole.map((row) => ({
    kind: row[columns.indexOf("kind")],
    split: row[columns.indexOf("split")],
    audio: audio.map((place) => Number(row[place])),
    visual: visual.map((place) => Number(row[place])),
  }));
  return { clips, leftOut: rows.length > whole.length ? { "empty-cell": rows.length - whole.length } : {} };
}

/** One row per clip: its sound, its picture, or both side by side. */
const features = {
  audio: (clip) => clip.audio,
  visual: (clip) => clip.visual,
  joint: (clip) => [...clip.audio, ...clip.visual],
};

function rowsOf(clips, mode) {
  const rows = clips.map(features[mode]);
  return matrix(rows.length, rows[0]?.length ?? 0, Float32Array.from(rows.flat()));
}

/** Everything the report needs, from the text of a file. */
export function evaluate(text) {
  const started = performance.now();
  const { clips, leftOut } = readClips(text);
  const [train, test] = ["train", "test"].map((split) => clips.filter((clip) => clip.split === split));
  const kinds = kindsOf(train.map((clip) => clip.kind));
  const rows = (part, mode) => ({
    features: rowsOf(part, mode),
    labels: labelIndices(
      kinds,
      part.map((clip) => clip.kind),
    ),
  });
  const fromFile = (name) =>
    varyProtocol(findProtocol(protocols, name), {
      name: `${name}-from-a-file`,
      mode: "embeddings read from a file; whoever wrote them knows the model",
      frames: "as the file's writer chose",
      pooling: "as the file's writer chose",
    });
  const probe = (mode) =>
    linearProbe({
      kinds,
      train: rows(train, mode),
      test: rows(test, mode),
      protocol: fromFile(`linear-probe-${mode}`),
      leftOut,
    });
  const classification = { joint: probe("joint"), audio: probe("audio"), visual: probe("visual") };
  const found = retrieval({
    audio: rowsOf(test, "audio"),
    visual: rowsOf(test, "visual"),
    protocol: fromFile("retrieval-middle-frame"),
    leftOut,
  });
  const seconds = (performance.now() - started) / 1000;
  return {
    title: "Embeddings from a file",
    summary: `${train.length} training and ${test.length} test clips of ${kinds.length} kinds.`,
    engine: "none: embeddings were read",
    dataset: { train: train.length, test: test.length, kinds, leftOut },
    seconds: { media: 0, pretrain: 0, evaluate: seconds, total: seconds },
    classification,
    retrieval: found,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = fileURLToPath(new URL("embeddings.csv", import.meta.url)), folder = "report"] = process.argv.slice(2);
  const input = evaluate(readFileSync(file, "utf8"));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "report.html"), reportHtml(input));
  writeFileSync(join(folder, "report.md"), reportMarkdown(input));
  writeFileSync(join(folder, "report.json"), reportJson(input));
  for (const { task, figure, kind, value, baseline } of headline(input)) {
    const beside = `${baseline.name} ${numberText(baseline.value, kind)}`;
    console.log(`${task}, ${figure}: ${numberText(value, kind)} (${beside})`);
  }
  console.log(`report: ${join(folder, "report.html")}`);
}
