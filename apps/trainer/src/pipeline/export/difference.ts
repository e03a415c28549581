import { countPatches, createRng, type FloatTensor, float32, type HostTensor, int32, type Rng } from "@kdc-mae/core";
import { comparePrograms, type OnnxGraph, shapeFor } from "@kdc-mae/engine";
import { createProgram } from "@kdc-mae/engine/node";
import type { ModelConfig } from "@kdc-mae/model";
import type { GraphTrace } from "./make-graph.js";

/** Numbers like normalised patches: each patch has a level of its own, as sound and pictures do. */
function likePatches(shape: readonly number[], rng: Rng): FloatTensor {
  const made = float32(shape);
  const P = shape[2];
  for (let patch = 0; patch < made.data.length / P; patch++) {
    const level = rng.normal();
    for (let p = 0; p < P; p++) made.data[patch * P + p] = level + 0.5 * rng.normal();
  }
  return made;
}

/** Different positions in each row. */
function positions([B, K]: readonly number[], n: number, rng: Rng): HostTensor {
  const made = int32([B, K]);
  for (let b = 0; b < B; b++) made.data.set(rng.permutation(n).subarray(0, K), b * K);
  return made;
}

/** Made-up inputs of a graph for a number of clips, the same each time. */
export function madeUpInputs(
  { inputs }: OnnxGraph,
  config: ModelConfig,
  samples: number,
): Readonly<Record<string, HostTensor>> {
  const root = createRng("export");
  return Object.fromEntries(
    inputs.map((port) => {
      const rng = root.fork(port.name);
      const modality = port.name.startsWith("audio") ? "audio" : "visual";
      const shape = shapeFor(port, samples);
      return [
        port.name,
        port.dtype === "int32" ? positions(shape, countPatches(config[modality]), rng) : likePatches(shape, rng),
      ];
    }),
  );
}

/** ‖small − whole‖ / ‖whole‖ of each output, on made-up clips. */
export async function differenceFromFloat32(
  small: GraphTrace,
  whole: GraphTrace,
  config: ModelConfig,
): Promise<Readonly<Record<string, number>>> {
  const programs = [await createProgram(small), await createProgram(whole)] as const;
  try {
    const inputs = madeUpInputs(whole.graph, config, 2);
    const differences = await comparePrograms(...programs, inputs);
    return Object.fromEntries(differences.map(({ path, relative }) => [path, relative]));
  } finally {
    for (const program of programs) await program.dispose();
  }
}
