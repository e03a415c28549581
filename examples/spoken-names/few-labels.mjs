/**
 * Accuracy with few labels: in each of 200 episodes so many training clips of every kind are drawn, each kind is the mean
 * of its clips, and a test clip is of the nearest kind. Vectors are those that `kdc-mae embed` wrote.
 *
 *   node few-labels.mjs MANIFEST NAME=VECTORS.jsonl…
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fewShot, matrix } from "@kdc-mae/eval";

const shots = [1, 5, 20];
const [manifest, ...sources] = process.argv.slice(2);
if (sources.length === 0) {
  console.error("Say what is to be compared: node few-labels.mjs MANIFEST NAME=VECTORS.jsonl…");
  process.exit(2);
}
const linesOf = (path) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const clips = linesOf(manifest);
const kinds = [...new Set(clips.map(({ labels }) => labels[0]))].sort();
const percent = (value) => `${(100 * value).toFixed(1)} %`;

/** Rows and labels of one split; a clip without a vector ends the script: all models are to see the same clips. */
function rowsOf(split, stream, vectors) {
  const own = clips.filter((clip) => clip.split === split);
  const rows = own.map(({ path }) => {
    const vector = vectors.get(basename(path))?.[stream];
    if (vector === undefined || vector === null) throw new Error(`${path} has no ${stream} vector`);
    return vector;
  });
  const width = rows[0].length;
  return {
    features: matrix(rows.length, width, Float32Array.from(rows.flat())),
    labels: own.map(({ labels }) => kinds.indexOf(labels[0])),
  };
}

console.log(`| stream | model | ${shots.map((count) => `${count} per kind`).join(" | ")} |`);
console.log(`| --- | --- | ${shots.map(() => "---").join(" | ")} |`);
for (const stream of ["audio", "visual", "joint"]) {
  for (const source of sources) {
    const [name, path] = source.split("=");
    const vectors = new Map(linesOf(path).map((line) => [basename(line.file), line]));
    const [train, test] = ["train", "test"].map((split) => rowsOf(split, stream, vectors));
    const result = fewShot({ kinds, train, test, shots });
    const cells = shots.map((count) => {
      const scored = result.shots.find((found) => found.shots === count);
      if (scored === undefined) return "too few clips";
      const { accuracy, interval } = scored;
      const [low, high] = [interval.low, interval.high].map((bound) => (100 * bound).toFixed(1));
      return `${percent(accuracy)} (${low}–${high})`;
    });
    console.log(`| ${stream} | ${name} | ${cells.join(" | ")} |`);
  }
}
console.log(
  `a guess: ${percent(1 / kinds.length)}; ${clips.filter(({ split }) => split === "test").length} test clips`,
);
