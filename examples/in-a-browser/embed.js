import { windowsOf } from "@kdc-mae/data";
import { compiled } from "@kdc-mae/engine/web";
import { parseSafetensors } from "@kdc-mae/model";
import { createEmbedder, modelIn } from "@kdc-mae/trainer/embedder";

/** Embeds a moment, and a recording of any length window by window, with the bytes of a model.safetensors. */
export async function embed(bytes, { samples, sampleRate, frames }) {
  const embedder = createEmbedder(modelIn("model.safetensors", parseSafetensors(bytes)), { execute: compiled() });

  // Sound as samples and their rate, pictures as a canvas gives them (RGBA): either alone, or both.
  const { width, height, data } = frames[0];
  const moment = await embedder.embed({ frames: [{ width, height, data }] });

  // A stream of windows in, a stream of vectors out: audio, visual and joint, where the window has what they need.
  const found = [];
  const windows = windowsOf({ sound: { samples, sampleRate }, frames }, { window: embedder.seconds });
  for await (const { input, vectors } of embedder.embedAll(windows)) found.push({ start: input.start, ...vectors });
  await embedder.dispose();
  return { moment, found };
}
