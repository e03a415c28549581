import type { Box, FloatTensor, PatchGrid } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { denormalizeSpectrogram, pasteFrame, pasteSpectrogram } from "@kdc-mae/data";
import { minMax, neighbours, similarityMap, upsampleBilinear } from "@kdc-mae/eval";
import {
  boxPicture,
  type ClipPictures,
  framePicture,
  heatPicture,
  type ImagePair,
  maskedPicture,
  type Picture,
  type RetrievalExample,
  spectrogramPicture,
  spectrogramRange,
} from "@kdc-mae/eval/report";
import type { ModelConfig } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import { boxesOf } from "./boxes.js";
import type { Cutting } from "./cutting.js";
import type { ClipEmbedding } from "./embed-clips.js";
import type { EmbeddedSet } from "./protocols/embedded-set.js";
import type { Reconstructed } from "./reconstruct.js";
import type { Moment } from "./sound-windows.js";

/** One clip's rows of a `[B, N, P]` tensor. */
export const clipRows = (tensor: FloatTensor, index: number): FloatTensor => {
  const [, N, P] = tensor.shape;
  return { dtype: "float32", shape: [N, P], data: tensor.data.subarray(index * N * P, (index + 1) * N * P) };
};

/** `[T, F]` in log-mel units as `[F, T]`, which pictures are drawn from. */
function turned(spectrogram: FloatTensor): FloatTensor {
  const [T, F] = spectrogram.shape;
  const data = new Float32Array(T * F);
  for (let t = 0; t < T; t++) for (let f = 0; f < F; f++) data[f * T + t] = spectrogram.data[t * F + f];
  return { dtype: "float32", shape: [F, T], data };
}

/** Patches as colours: the frame, and the spectrogram drawn over `range` (its own where none is given). */
function pictures(
  audio: FloatTensor,
  visual: FloatTensor,
  config: ModelConfig,
  statistics: Statistics,
  range?: readonly [number, number],
): {
  readonly pair: { readonly frame: Picture; readonly spectrogram: Picture };
  readonly range: readonly [number, number];
} {
  const sound = denormalizeSpectrogram(pasteSpectrogram(audio, config.audio), statistics.mean, statistics.std);
  const values = turned(sound);
  const drawn = range ?? spectrogramRange(values);
  return {
    pair: { frame: framePicture(pasteFrame(visual, config.visual)), spectrogram: spectrogramPicture(values, drawn) },
    range: drawn,
  };
}

/** Predictions where patches were hidden, the originals where they were seen. */
export function mended(original: FloatTensor, predicted: FloatTensor, visible: Int32Array): FloatTensor {
  const [, P] = original.shape;
  const data = predicted.data.slice();
  for (const place of visible) data.set(original.data.subarray(place * P, (place + 1) * P), place * P);
  return { ...predicted, data };
}

const withBox = (picture: Picture, [box]: readonly (Box | undefined)[]): Picture =>
  box === undefined ? picture : boxPicture(picture, box);

/** The heat of a clip's whole sound over its middle picture, with the true box where there is one. */
function heatOf(embedding: ClipEmbedding, frame: Picture, config: ModelConfig): Picture {
  const size = frame.width;
  const map = similarityMap(embedding.audio, embedding.tokens, config.visual);
  const heated = heatPicture(frame, minMax(upsampleBilinear(map, { width: size, height: size })));
  return withBox(heated, boxesOf(embedding.clip, size));
}

/**
 * Where the sound around each picture is seen, from a clip's moments in time order. All pictures share one colour scale,
 * so that a moment whose sound fits nothing in its picture stays cold.
 */
export async function heatReel(
  moments: readonly Moment[],
  config: ModelConfig,
  { cutter }: Pick<Cutting, "cutter">,
): Promise<NonNullable<ClipPictures["reel"]>> {
  const { rows, columns, patch } = config.visual;
  const size = rows * patch;
  const maps = moments.map(({ audio, tokens }) => similarityMap(audio, tokens, config.visual));
  const scaled = minMax({
    shape: [maps.length * rows, columns],
    data: Float32Array.from(maps.flatMap(({ data }) => [...data])),
  });
  const { visual } = await cutter.cut(moments.map(({ clip, frame }) => ({ clip, picture: frame })));
  return moments.map(({ clip, frame, heard }, index) => {
    const picture = framePicture(pasteFrame(clipRows(visual, index), config.visual));
    const cells = scaled.data.subarray(index * rows * columns, (index + 1) * rows * columns);
    const map = upsampleBilinear({ shape: [rows, columns], data: cells }, { width: size, height: size });
    return { heat: withBox(heatPicture(picture, map), boxesOf(clip, size, clip.times[frame])), heard };
  });
}

/** Probabilities of patches as heat, the likeliest patch of the clip the hottest; cells stay cells. */
function likelyPicture(picture: Picture, grid: PatchGrid, logs: Float32Array, firstRow: "top" | "bottom"): Picture {
  const { rows, columns } = grid;
  const most = logs.reduce((highest, value) => Math.max(highest, value), -Infinity);
  const heat = new Float32Array(picture.width * picture.height);
  for (let y = 0; y < picture.height; y++) {
    const fromTop = Math.floor((y * rows) / picture.height);
    const row = firstRow === "top" ? fromTop : rows - 1 - fromTop;
    for (let x = 0; x < picture.width; x++) {
      const patch = row * columns + Math.floor((x * columns) / picture.width);
      heat[y * picture.width + x] = Math.exp(logs[patch] - most);
    }
  }
  return heatPicture(picture, { shape: [picture.height, picture.width], data: heat });
}

/** Everything there is to see about some clips: originals, views, reconstructions, heat. */
export function clipPictures(
  made: Reconstructed,
  embeddings: readonly ClipEmbedding[],
  config: ModelConfig,
  statistics: Statistics,
): readonly ClipPictures[] {
  const rowsOf = ({ data, shape }: { data: Int32Array; shape: readonly number[] }, index: number) =>
    data.subarray(index * shape[1], (index + 1) * shape[1]);
  return made.clips.map((clip, index) => {
    const audio = clipRows(made.patches.audio, index);
    const visual = clipRows(made.patches.visual, index);
    const { pair: original, range } = pictures(audio, visual, config, statistics);
    const views = made.views.map(
      (view): ImagePair => ({
        frame: masked(original.frame, config.visual, rowsOf(view.visual.visible, index), "top"),
        spectrogram: masked(original.spectrogram, config.audio, rowsOf(view.audio.visible, index), "bottom"),
      }),
    );
    const reconstructions = made.predictions.map((predicted, v): ImagePair => {
      const view = made.views[v];
      const sound = mended(audio, clipRows(predicted.audio, index), rowsOf(view.audio.visible, index));
      const picture = mended(visual, clipRows(predicted.visual, index), rowsOf(view.visual.visible, index));
      return pictures(sound, picture, config, statistics, range).pair;
    });
    const logs = (of: FloatTensor) => of.data.subarray(index * of.shape[1], (index + 1) * of.shape[1]);
    const { likely } = made;
    const embedding = embeddings.find((one) => one.clip === clip);
    return {
      id: clip.item.id,
      label: clip.item.labels.join(", "),
      original,
      views,
      reconstructions,
      ...(likely === undefined
        ? {}
        : {
            likely: {
              frame: likelyPicture(original.frame, config.visual, logs(likely.visual), "top"),
              spectrogram: likelyPicture(original.spectrogram, config.audio, logs(likely.audio), "bottom"),
            },
          }),
      ...(embedding === undefined ? {} : { heat: heatOf(embedding, original.frame, config) }),
    };
  });
}

const masked = (picture: Picture, grid: PatchGrid, visible: Int32Array, firstRow: "top" | "bottom") =>
  maskedPicture(picture, grid, visible, firstRow);

/**
 * Some queries in both directions with the five nearest answers.
 *
 * @param clipsAt the clips at some places of the set
 */
export async function retrievalExamples(
  { audio, visual, ids, labels }: EmbeddedSet,
  chosen: readonly number[],
  config: ModelConfig,
  { cutter, statistics }: Pick<Cutting, "cutter" | "statistics">,
  clipsAt: (places: readonly number[]) => Promise<readonly StoredClip[]>,
): Promise<readonly RetrievalExample[]> {
  if (chosen.length === 0) return [];
  const directions = [
    { direction: "audioToVisual", from: audio, to: visual, asked: "spectrogram", found: "frame" },
    { direction: "visualToAudio", from: visual, to: audio, asked: "frame", found: "spectrogram" },
  ] as const;
  const examples = directions.flatMap(({ direction, from, to, asked, found }) => {
    const lists = neighbours(from, to, ids.length);
    return chosen.map((query) => ({ direction, asked, found, query, near: lists[query] }));
  });
  const shown = [
    ...new Set(examples.flatMap(({ query, near }) => [query, ...near.slice(0, 5).map(({ index }) => index)])),
  ];
  const made = await cutter.cut((await clipsAt(shown)).map((clip) => ({ clip })));
  const drawn = new Map(
    shown.map((index, row) => [
      index,
      pictures(clipRows(made.audio, row), clipRows(made.visual, row), config, statistics).pair,
    ]),
  );
  const of = (index: number, which: "frame" | "spectrogram") => ({
    label: labels[index].join(", "),
    image: drawn.get(index)?.[which] as Picture,
  });
  return examples.map(({ direction, asked, found, query, near }) => ({
    ...{ direction, query: of(query, asked), place: near.findIndex(({ index }) => index === query) + 1 },
    found: near.slice(0, 5).map(({ index, cosine }) => ({ ...of(index, found), cosine, right: index === query })),
  }));
}
