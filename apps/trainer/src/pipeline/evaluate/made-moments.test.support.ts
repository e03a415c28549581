import { createRng, type FloatTensor } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { logMel, silenceLevel } from "@kdc-mae/data";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { clipFormFor } from "../corpus/clip-form.js";
import { config, form, grids, statistics } from "../finetune/made-clips.test.support.js";
import { openCutting } from "./cutting.js";

export { config, statistics };
export const cutting = openCutting(clipFormFor(grids), { statistics, batch: 3 });
export const model = { execute: compiled(), config, params: initModel(config, createRng(5)) };

/** A tone and noise that fill the spectrogram, 96 × 32. */
const sound = (pitch: number): FloatTensor => {
  const rng = createRng(pitch);
  const samples = Float32Array.from(
    { length: 15_600 },
    (_, t) => 0.3 * Math.sin((2 * Math.PI * pitch * t) / 16_000) + 0.02 * rng.normal(),
  );
  return logMel({ samples, sampleRate: 16_000 }, form.audio);
};

/** The same picture five times over 0.96 s of sound, which fills the spectrogram's six columns, with a box. */
export function soundingClip(id = "sounding", pitch = 700): StoredClip {
  const rng = createRng(11);
  const frame = Uint8Array.from({ length: 48 * 48 * 3 }, () => rng.integer(256));
  return {
    item: { id, path: "", labels: [id], boxes: [[0, { x: 6, y: 10, width: 20, height: 25 }]] },
    spectrogram: sound(pitch),
    frames: Array.from({ length: 5 }, () => frame),
    times: [0, 0.2, 0.4, 0.6, 0.8],
    original: { width: 48, height: 48 },
  };
}

/** The clip with silence, or another clip's sound, from a column of the spectrogram on. */
export function changedFrom(column: number, clip: StoredClip, other?: StoredClip): StoredClip {
  const [T, F] = clip.spectrogram.shape;
  const at = column * grids.audio.patch;
  const data = clip.spectrogram.data.slice();
  data.set(other?.spectrogram.data.subarray(at * F) ?? new Float32Array((T - at) * F).fill(silenceLevel), at * F);
  return { ...clip, spectrogram: { ...clip.spectrogram, data } };
}
