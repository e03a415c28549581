import { audioGrid, visualGrid } from "@kdc-mae/core";

/** The model of arms that are trained in a second. */
export const smallModel = {
  preset: "tiny",
  ...{ embedDim: 24, heads: 3, modalityDepth: 1, decoderDim: 16, decoderHeads: 2, decoderDepth: 1 },
  audio: audioGrid(48, 32, 16),
  visual: visualGrid(48, 16),
} as const;
