import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { batchViews, complementaryViews } from "@kdc-mae/masking";

export const program = () => {
  const masker = complementaryViews({ views: 2, ratio: 0.75 });
  const [first] = batchViews([masker({ audio: audioGrid(64, 32, 16), visual: visualGrid(64, 16) }, createRng(1))]);
  return { audio: [...first.audio.visible.data], visual: [...first.visual.visible.data] };
};
