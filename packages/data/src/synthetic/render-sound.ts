import { createRng, type Waveform } from "@kdc-mae/core";
import { actsOf } from "./describe-clip.js";
import { findKind } from "./find-kind.js";
import type { Act, SyntheticClipPlan } from "./plan.js";
import { white } from "./sound/noise.js";

const rootMeanSquare = (samples: Float32Array): number =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

/** One act's voice brought to the planned loudness, plus noise, over the whole clip. */
function renderAct(plan: SyntheticClipPlan): Float32Array {
  const { sampleRate, seconds } = plan.options;
  const rng = createRng(plan.streams.sound);
  const samples = new Float32Array(Math.round(seconds * sampleRate));
  const { sing } = findKind(plan.sounding.kind);
  sing(samples, plan.strokes, { pitch: plan.pitch, sampleRate, detail: plan.detail, rng: rng.fork("voice") });
  const level = 10 ** (plan.loudness / 20);
  const gain = level / Math.max(1e-9, rootMeanSquare(samples));
  const [noiseLevel, tilt] = plan.noise;
  const keep = 0.9 * tilt;
  const hiss = level * 10 ** (noiseLevel / 20) * Math.sqrt(3 * ((1 + keep) / (1 - keep)));
  const air = rng.fork("noise");
  let dull = 0;
  for (let i = 0; i < samples.length; i++) {
    dull = keep * dull + (1 - keep) * white(air);
    samples[i] = Math.tanh(gain * samples[i] + hiss * dull);
  }
  return samples;
}

/** Seconds in which one act gives way to the next. */
const crossing = 0.02;

/** How much of an act is heard at a moment, 0 … 1; the shares of two neighbours sum to 1. */
function presence(seconds: number, { from, to }: Act, whole: number): number {
  const since = from === 0 ? 1 : 0.5 + (seconds - from) / crossing;
  const until = to === whole ? 1 : 0.5 + (to - seconds) / crossing;
  return Math.max(0, Math.min(1, since, until));
}

/**
 * Renders the sound of a clip: the sounding object's voice brought to the planned loudness, plus noise; of several acts,
 * each in its stretch. Loudness is the same draw for every kind, so it tells nothing about the kind. Peaks are rounded
 * off below full scale.
 */
export function renderSound(plan: SyntheticClipPlan): Waveform {
  const { sampleRate, seconds } = plan.options;
  const acts = actsOf(plan);
  const voices = acts.map((act) => renderAct(act.plan));
  const samples = voices[0].map((_, i) =>
    acts.reduce((sum, act, at) => sum + presence(i / sampleRate, act, seconds) * voices[at][i], 0),
  );
  return { samples, sampleRate };
}
