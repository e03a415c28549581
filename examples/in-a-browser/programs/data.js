import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { defaultOptions, describeClip, prepareClip, publishedAudio, renderFrames, renderSound } from "@kdc-mae/data";

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** A made-up clip, sound and pictures, as patches. */
export const program = () => {
  const plan = describeClip(createRng(3), defaultOptions);
  const clip = { item: { id: "made" }, waveform: renderSound(plan), frames: renderFrames(plan).frames };
  const { audio, visual } = prepareClip(clip, {
    audio: { ...publishedAudio, frames: 128, melBins: 32 },
    visual: { size: 64 },
    grids: { audio: audioGrid(128, 32, 16), visual: visualGrid(64, 16) },
  });
  return { audio: audio.shape, visual: visual.shape, sums: [sum(audio.data), sum(visual.data)] };
};
