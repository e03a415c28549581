import { noiseAndShift } from "@kdc-mae/data";
import type { SeededChange } from "./batch-source.js";

/** Noise and a circular time shift over the whole spectrogram, as the reference pretraining has them. */
export const noiseAndTimeShift: SeededChange = (spectrogram, _index, rng) => noiseAndShift(spectrogram, rng);
