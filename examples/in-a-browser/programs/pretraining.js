import { createRng, float32 } from "@kdc-mae/core";
import { adam, createTrainStep } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/web";
import { kdcMae, objective } from "@kdc-mae/losses";
import { batchViews, complementaryViews } from "@kdc-mae/masking";
import { initModel, presets, pretrainForward } from "@kdc-mae/model";
import * as ort from "onnxruntime-web";

/** Where a page finds onnxruntime-web's files; in Node they lie beside its code. */
if (typeof document !== "undefined") {
  ort.env.wasm.wasmPaths = new URL("/onnxruntime-web/", document.baseURI).href;
  ort.env.wasm.numThreads = 1;
}

/** Three steps of KDC-MAE on a small model, compiled, gradients and all, in WebAssembly. */
export const program = async () => {
  const config = { ...presets.tiny, embedDim: 24, modalityDepth: 1, decoderDim: 12, decoderHeads: 1 };
  const learned = objective(kdcMae);
  const loss = ({ model }, { patches, views }) => learned.compute(pretrainForward(config, model, patches, views));
  const rng = createRng(1);
  const masker = complementaryViews({ views: 2, ratio: 0.75 });
  const patches = (n, p) =>
    float32(
      [2, n, p],
      Float32Array.from({ length: 2 * n * p }, () => rng.normal()),
    );
  const batch = {
    patches: { audio: patches(48, 256), visual: patches(64, 192) },
    views: batchViews([0, 1].map((clip) => masker(config, rng.fork(clip)))),
  };
  const train = createTrainStep(compiled(), loss, adam());
  const state = train.init({ model: initModel(config, createRng(2)) });
  const totals = [];
  for (let step = 0; step < 3; step++) totals.push((await train.step(state, batch, 1e-3)).total);
  await train.dispose();
  return { totals };
};
