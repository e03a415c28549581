/**
 * The heads of @kdc-mae/eval with somebody's own `embed(batch)`: any function from a batch of clips to one row of numbers
 * per clip. Here it counts zero crossings of a sound and of a picture; yours may call any model, anywhere.
 *
 *   node own-embed.mjs
 */
import { fileURLToPath } from "node:url";
import { embedAll, kindsOf, labelIndices, linearProbe, matrix, retrieval } from "@kdc-mae/eval";
import { headline, numberText } from "@kdc-mae/eval/report";
import { makeClips } from "./make-clips.mjs";

/**
 * How often a signal crosses zero, as a place on the circle, so that cosines compare it: `[cos, sin]`. A sound and a
 * picture that vary equally fast land on one place: that is what makes retrieval across the two possible.
 */
function crossings(values) {
  const count = values.filter((value, at) => at > 0 && value * values[at - 1] < 0).length;
  const angle = (2 * Math.PI * count) / values.length;
  return [Math.cos(angle), Math.sin(angle)];
}

/** One row per clip and stream, in the order of the batch. Asynchronous, as a model would be. */
export async function embed(batch) {
  const rows = (values) => matrix(batch.length, values[0].length, Float32Array.from(values.flat()));
  const audio = batch.map(({ samples }) => crossings(samples));
  const visual = batch.map(({ pixels }) => crossings(pixels));
  return { audio: rows(audio), visual: rows(visual), joint: rows(audio.map((row, clip) => [...row, ...visual[clip]])) };
}

/** Batches of some clips, the last one shorter. */
function* batches(clips, size = 16) {
  for (let from = 0; from < clips.length; from += size) yield clips.slice(from, from + size);
}

/** A linear probe on each stream, and retrieval both ways, of any `embed(batch)`. */
export async function evaluateOwn(embedBatch, clips = makeClips()) {
  const [train, test] = ["train", "test"].map((split) => clips.filter((clip) => clip.split === split));
  const kinds = kindsOf(train.map(({ kind }) => kind));
  const labels = (part) =>
    labelIndices(
      kinds,
      part.map(({ kind }) => kind),
    );
  const [seen, asked] = [await embedAll(batches(train), embedBatch), await embedAll(batches(test), embedBatch)];
  const probe = (stream) =>
    linearProbe({
      kinds,
      train: { features: seen[stream], labels: labels(train) },
      test: { features: asked[stream], labels: labels(test) },
    });
  return {
    classification: { audio: probe("audio"), visual: probe("visual"), joint: probe("joint") },
    retrieval: retrieval({ audio: asked.audio, visual: asked.visual }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { task, figure, kind, value, baseline } of headline(await evaluateOwn(embed))) {
    const beside = `${baseline.name} ${numberText(baseline.value, kind)}`;
    console.log(`${task}, ${figure}: ${numberText(value, kind)} (${beside})`);
  }
}
