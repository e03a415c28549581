import type { FrontEnd } from "../../corpus/front-end.js";
import { type StoredClip, storeClip } from "../../corpus/stored-clip.js";

/** A clip of digital silence, as long as the model listens, with a black picture. */
export function silence(frontEnd: FrontEnd): StoredClip {
  const { sampleRate } = frontEnd.logMel;
  const [width, height] = [frontEnd.imageSize, frontEnd.imageSize];
  return storeClip(
    {
      item: { id: "silence", path: "", labels: [] },
      waveform: { sampleRate, samples: new Float32Array(Math.ceil((frontEnd.seconds + 0.1) * sampleRate)) },
      frames: [{ width, height, data: new Uint8Array(width * height * 3), time: 0 }],
    },
    frontEnd,
  );
}
