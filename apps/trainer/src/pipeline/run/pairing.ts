import { KdcError } from "@kdc-mae/core";
import { type ModelConfig, presets } from "@kdc-mae/model";
import { framesIn, type Pairing } from "../corpus/clip-form.js";
import type { CheckedExperiment } from "../experiment/schema.js";

type Model = CheckedExperiment["model"];

/** Spectrogram frames in a second. */
const PER_SECOND = framesIn(1);

/** Spectrogram frames that a model hears. */
export const framesHeard = ({ audio }: Pick<ModelConfig, "audio">): number => audio.columns * audio.patch;

/** The sizes that an experiment's model says, of a whole clip: its preset with its own changes. */
export function sizesOf({ preset, predictor, ...changes }: Model): ModelConfig {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const config: ModelConfig = { ...presets[preset], ...given };
  if (predictor === undefined) return config;
  const { dim = config.decoderDim, heads = config.decoderHeads, depth = config.decoderDepth } = predictor;
  return { ...config, predictor: { dim, heads, depth } };
}

/** What an experiment says of its clips' pictures and the sound beside them, the length of a clip filled in. */
export function pairingOf({
  model,
  visual,
}: {
  readonly model?: Model | undefined;
  readonly visual: CheckedExperiment["visual"];
}): Pairing {
  if (visual.window === undefined || visual.seconds !== undefined) return visual;
  return { ...visual, seconds: framesHeard(model === undefined ? presets.base : sizesOf(model)) / PER_SECOND };
}

/**
 * The sizes of a model that hears the window beside a picture in place of the whole clip.
 *
 * @throws KdcError (`config`) for a window that is no whole number of patches, or longer than the clip
 */
export function withWindow(config: ModelConfig, { window, seconds }: Pairing): ModelConfig {
  if (window === undefined) return config;
  const { audio } = config;
  const columns = framesIn(window) / audio.patch;
  const whole = seconds === undefined ? framesHeard(config) : framesIn(seconds);
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where: "visual.window", what, remedy, reason: "experiment" });
  };
  if (framesIn(window) > whole) {
    refuse(`it is ${window} s and a clip has ${whole / PER_SECOND}`, "Give a shorter window, or leave it out");
  }
  if (!Number.isInteger(columns) || columns < 1) {
    const nearest = Math.max(1, Math.round(columns)) * audio.patch;
    refuse(
      `${window} s are ${framesIn(window)} spectrogram frames, no whole number of patches of ${audio.patch}`,
      `Use ${nearest / PER_SECOND}`,
    );
  }
  return { ...config, audio: { ...audio, columns } };
}
