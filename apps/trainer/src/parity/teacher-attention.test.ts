import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FloatTensor, Modality, Patches } from "@kdc-mae/core";
import { createRunner, eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { type EncoderParams, globalAttention, loadModel } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { openReferenceFolder } from "./reference-folder.js";
import { referencePatches } from "./reference-inputs.js";
import { relativeError } from "./relative-error.js";

const path = fileURLToPath(new URL("../../../../fixtures/sync0", import.meta.url));
type Inputs = { readonly params: { readonly encoder: EncoderParams<Tensor> }; readonly patches: Patches };

it.each([
  ["compiled", compiled({ device: "cpu", threads: 1 })],
  ["eager", eager("cpu")],
])("a teacher points at the patches that TG-DP's points at: %s", async (_, execute) => {
  const folder = await openReferenceFolder(path);
  const config = { ...folder.config, globalToken: true, registers: 4 };
  const { encoder } = loadModel(config, await folder.weights("sync")).params;
  const patches = referencePatches(await folder.tensors("inputs"), config);
  const runner = createRunner(execute, ({ params, patches }: Inputs) => globalAttention(config, params, patches));
  const made = (await runner.run({ encoder }, { patches })) as Record<Modality, FloatTensor>;
  await runner.dispose();
  const expected = JSON.parse(await readFile(`${path}/attention.json`, "utf8")) as Record<Modality, number[][]>;
  for (const modality of ["audio", "visual"] as const) {
    expect(made[modality].shape).toEqual([3, expected[modality][0].length]);
    expect(relativeError(made[modality].data, expected[modality].flat())).toBeLessThan(1e-5);
  }
});
