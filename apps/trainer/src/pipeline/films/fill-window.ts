import { createRng, type FloatTensor, type Waveform } from "@kdc-mae/core";
import { denormalizeSpectrogram, pasteSpectrogram } from "@kdc-mae/data";
import type { MediaWindow } from "@kdc-mae/data/node";
import { createModelRunner, type Execute } from "@kdc-mae/engine";
import { hiddenErrors, standardUnits } from "@kdc-mae/eval";
import type { Picture } from "@kdc-mae/eval/report";
import { batchViews } from "@kdc-mae/masking";
import { clipFormFor } from "../corpus/clip-form.js";
import { openCutting } from "../evaluate/cutting.js";
import { clipPictures, clipRows, mended } from "../evaluate/pictures.js";
import { firstClips, type Reconstructed, reconstructFunction, restoredPredictions } from "../evaluate/reconstruct.js";
import { restoredTargets } from "../evaluate/run-in-words.js";
import type { SavedModel } from "../run/model-file.js";
import { filledPanel } from "./filled-panel.js";
import { type Hole, holesIn, viewThrough } from "./hole.js";
import { mendSound } from "./mend-sound.js";
import { type OpenedMedia, storeWindow } from "./open-media.js";

/** Mean squared error on hidden patches, in the units that the model predicts, as the inpainting protocols measure it. */
export type HoleError = {
  readonly mse: number;
  /** The same where every hidden patch is the mean of the seen ones. */
  readonly meanFill: number;
};

/** What a model made of a window. Pictures and sound are made when they are asked for. */
export type Filled = {
  /** Of the middle picture and the sound beside it; left out where nothing of a modality was hidden. */
  readonly errors: Partial<Readonly<Record<"audio" | "visual", HoleError>>>;
  /** When the window's pictures are, seconds from its beginning. */
  readonly times: readonly number[];
  /** Everything as it was, with its hole, and filled: of one of the pictures (the middle one by default). */
  panel(frame?: number): Picture;
  /** The sound with its hole filled. */
  sound(): Waveform;
};

/** A model made ready to fill windows; its program is made at the first. */
export type Filler = {
  /** @param window with sound and pictures */
  fill(opened: OpenedMedia, window: MediaWindow): Promise<Filled>;
  dispose(): Promise<void>;
};

/** Makes a {@link Filler}. Masks depend on seed, file and window alone, as `reconstructClips` draws them. */
export function createFiller(
  execute: Execute,
  { config, params, statistics, experiment }: SavedModel,
  hole: Hole,
  seed: number,
): Filler {
  const targets = restoredTargets(experiment);
  const runner = createModelRunner(execute, reconstructFunction(config), params);
  const root = createRng(seed).fork("evaluate");
  const form = clipFormFor(config, 1, statistics.sampleRate);
  const { cutter } = openCutting(form, { statistics, batch: 1 });

  const fill: Filler["fill"] = async ({ file, size }, window) => {
    const clip = storeWindow(file, window, form);
    const place = { config, start: window.start, seconds: form.seconds, size: size!, rng: root.fork(clip.item.id) };
    const view = viewThrough(hole, place);
    // Every picture with the same sound, through the same hole.
    const clips = clip.frames.map(() => clip);
    const patches = await cutter.cut(clips.map((_, picture) => ({ clip, picture })));
    const views = batchViews(clips.map(() => [view]));
    const predictions = (await runner.run({ patches, views })) as Reconstructed["predictions"];
    const made = restoredPredictions({ clips, patches, views, predictions }, targets);
    const middle = Math.floor(clips.length / 2);
    const only = (tensor: FloatTensor, at: number): FloatTensor => {
      const rows = clipRows(tensor, at);
      return { ...rows, shape: [1, ...rows.shape] };
    };
    const errorOf = (modality: "audio" | "visual"): HoleError => {
      const { visible, hidden } = views[0][modality];
      const [target, predicted] = [patches[modality], made.predictions[0][modality]].map((all) => only(all, middle));
      const batch = { target, predicted, visible: firstClips(visible, 1), hidden: firstClips(hidden, 1) };
      const { mse, meanFill } = hiddenErrors(batch, standardUnits[modality]);
      return { mse: mse[0], meanFill: meanFill[0] };
    };
    return {
      errors: Object.fromEntries(holesIn(hole).map((modality) => [modality, errorOf(modality)])),
      times: clip.times,
      panel(frame = middle) {
        const one: Reconstructed = {
          clips: [clip],
          patches: { audio: only(patches.audio, frame), visual: only(patches.visual, frame) },
          views: batchViews([[view]]),
          predictions: made.predictions.map(({ audio, visual }) => ({
            audio: only(audio, frame),
            visual: only(visual, frame),
          })),
        };
        const [{ original, views: holed, reconstructions }] = clipPictures(one, [], config, statistics);
        const share = clip.times.length > 1 ? clip.times[frame] / form.seconds : undefined;
        return filledPanel({ original, holed: holed[0], filled: reconstructions[0] }, share);
      },
      sound() {
        const [truth, predicted] = [patches.audio, made.predictions[0].audio].map((all) => clipRows(all, middle));
        const whole = pasteSpectrogram(mended(truth, predicted, view.audio.visible), config.audio);
        const spectrogram = denormalizeSpectrogram(whole, statistics.mean, statistics.std);
        const { hidden } = view.audio;
        return mendSound(window.sound!, spectrogram, { hidden, grid: config.audio, logMel: form.audio });
      },
    };
  };
  return { fill, dispose: () => Promise.all([runner.dispose(), cutter.close()]).then(() => undefined) };
}
