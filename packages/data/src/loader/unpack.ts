import { spectrogramOf } from "../prepare-clip.js";
import { readSample } from "../shards/sample.js";
import { decodePicture } from "../visual/encode-picture.js";
import { fit } from "../visual/fit.js";
import { normalizeFrame } from "../visual/normalize.js";
import type { Unpack } from "./make-batch.js";

/** A clip's bytes in a shard as a recording. */
export const unpack: Unpack = ({ bytes, where, labels }, { frontEnd }) => {
  const { key, notes, waveform, logMel, pictures } = readSample(bytes, where);
  const name = `${where}, sample ${key}`;
  return {
    ...{ where: name, labels, waveform, pictures: pictures.length },
    spectrogram: () => logMel?.() ?? spectrogramOf(waveform(), frontEnd.audio),
    time: (index) => notes.times?.[index],
    picture: async (index) => {
      const frame = await decodePicture(pictures[index], `${name}, picture ${index}`, notes.times?.[index]);
      return normalizeFrame(fit(frame, frontEnd.visual.size));
    },
  };
};
