import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { initModel, officialTensors, safetensorsChunks } from "@kdc-mae/model";
import { checkExperiment, configFor, modelNotes, named } from "@kdc-mae/trainer/recipe";
import { embed } from "../embed.js";

/** A small model as its file holds it. */
function modelBytes() {
  const grids = { audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16) };
  const model = { ...named.demo.model, ...grids, embedDim: 24, heads: 4, modalityDepth: 1 };
  const experiment = checkExperiment({ ...named.demo, name: "small-one", model }, "in-a-browser");
  const config = configFor(experiment);
  const tensors = officialTensors(config, initModel(config, createRng(2)));
  const notes = modelNotes({ statistics: { mean: -6, std: 4 }, experiment });
  const parts = safetensorsChunks(tensors, { config: JSON.stringify(config), ...notes });
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Sound at a rate of its own and pictures of another size, through the whole front end and a model. */
export const program = async () => {
  const samples = Float32Array.from({ length: 44_100 }, (_, t) => 0.3 * Math.sin(t / 9 + (t / 7000) ** 2));
  const picture = (time) => ({
    ...{ width: 70, height: 54, time },
    data: Uint8ClampedArray.from({ length: 70 * 54 * 4 }, (_, at) => (at * (3 + time)) % 251),
  });
  const { moment, found } = await embed(modelBytes(), {
    ...{ samples, sampleRate: 22_050 },
    frames: [0.2, 0.7, 1.3, 1.9].map(picture),
  });
  const plain = (vectors) =>
    Object.fromEntries(
      Object.entries(vectors).map(([name, value]) => [
        name,
        typeof value === "number" ? value : [...value.slice(0, 6)],
      ]),
    );
  return { moment: plain(moment), found: found.map(plain) };
};
