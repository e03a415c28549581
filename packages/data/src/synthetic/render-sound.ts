import { createRng, type Waveform } from "@kdc-mae/core";
import { findKind } from "./find-kind.js";
import type { SyntheticClipPlan } from "./plan.js";
import { white } from "./sound/noise.js";

const rootMeanSquare = (samples: Float32Array): number =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

/**
 * Renders the sound of a clip: the sounding object's voice brought to the planned loudness, plus noise.
 * Loudness is the same draw for every kind, so it tells nothing about the kind. Peaks are rounded off below full scale.
 */
export function renderSound(plan: SyntheticClipPlan): Waveform {
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
  return { samples, sampleRate };
}
