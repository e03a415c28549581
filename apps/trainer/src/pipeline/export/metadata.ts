import { readFileSync } from "node:fs";
import { imageNet } from "@kdc-mae/data";
import type { ModelMetadata } from "@kdc-mae/engine";
import { clipFormFor } from "../corpus/clip-form.js";
import { usesNormPixels } from "../evaluate/run-in-words.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { GraphName, GraphSettings } from "./graphs.js";
import type { ExportSource } from "./source.js";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));

/** How weights are stored; `int8` also multiplies in 8 bits. */
export type Dtype = "float32" | "float16" | "int8";

/** What only some graphs have to say. */
function ownMetadata(name: GraphName, { classes, experiment }: ExportSource, settings: GraphSettings): ModelMetadata {
  if (name === "classifier") {
    return { "classifier.mode": settings.mode, ...(classes ? { "classifier.classes": JSON.stringify(classes) } : {}) };
  }
  if (name !== "inpainting") return {};
  const normalised =
    experiment === undefined ? { audio: false, visual: false } : usesNormPixels(experiment as CheckedExperiment);
  const target = (of: boolean) => (of ? "patches less their own mean, over their own deviation" : "patch values");
  return {
    "inpainting.visible.audio": String(settings.visible.audio),
    "inpainting.visible.visual": String(settings.visible.visual),
    ...(normalised.audio === normalised.visual
      ? { "inpainting.target": target(normalised.audio) }
      : { "inpainting.target": `audio: ${target(normalised.audio)}; visual: ${target(normalised.visual)}` }),
  };
}

/**
 * Everything it takes to use the graph without this project: normalisation, front end, sizes, what it is. Lists and
 * records are JSON. Spectrograms are (log-mel − mean) / std, pictures (value / 255 − mean) / std per channel.
 */
export function graphMetadata(
  name: GraphName,
  dtype: Dtype,
  source: ExportSource,
  settings: GraphSettings,
): ModelMetadata {
  const { config, statistics, experiment } = source;
  const { audio: sound, visual: picture } = clipFormFor(config, 1, statistics.sampleRate);
  return {
    "kdc-mae.version": version,
    "kdc-mae.graph": name,
    "kdc-mae.dtype": dtype,
    "kdc-mae.config": JSON.stringify(config),
    ...(experiment === undefined ? {} : { "kdc-mae.experiment": String(experiment.name) }),
    "audio.mean": String(statistics.mean),
    "audio.std": String(statistics.std),
    "audio.sampleRate": String(sound.sampleRate),
    "audio.melBins": String(sound.melBins),
    "audio.frameLengthMs": String(sound.frameLengthMs),
    "audio.frameShiftMs": String(sound.frameShiftMs),
    "audio.frames": String(sound.frames),
    "audio.window": "symmetric Hann, pre-emphasis 0.97, mel from 20 Hz, natural logarithm (Kaldi fbank)",
    "audio.patch": String(config.audio.patch),
    "audio.grid": JSON.stringify([config.audio.rows, config.audio.columns]),
    "audio.order": "patches by frequency, then time; numbers in a patch by frequency, then time",
    "visual.mean": JSON.stringify(imageNet.mean),
    "visual.std": JSON.stringify(imageNet.std),
    "visual.size": String(picture.size),
    "visual.patch": String(config.visual.patch),
    "visual.grid": JSON.stringify([config.visual.rows, config.visual.columns]),
    "visual.order": "patches by row, then column; numbers in a patch by row, column, then channel (RGB)",
    ...ownMetadata(name, source, settings),
  };
}
