import { type StoredClip, storeClip } from "@kdc-mae/data";
import type { ClipForm } from "../../corpus/clip-form.js";

/** A clip of digital silence, as long as the model listens, with a black picture. */
export function silence(form: ClipForm): StoredClip {
  const { sampleRate } = form.audio;
  const [width, height] = [form.visual.size, form.visual.size];
  return storeClip(
    {
      item: { id: "silence", path: "", labels: [] },
      waveform: { sampleRate, samples: new Float32Array(Math.ceil((form.seconds + 0.1) * sampleRate)) },
      frames: [{ width, height, data: new Uint8Array(width * height * 3), time: 0 }],
    },
    form,
  );
}
