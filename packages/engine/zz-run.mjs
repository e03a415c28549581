import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";

const [name, tag, shape] = process.argv.slice(2);
const f = (p) => new Float32Array(new Uint8Array(readFileSync(p)).buffer);
const s = await ort.InferenceSession.create(readFileSync(`/tmp/enginecpu/${name}.${tag}.onnx`), {
  intraOpNumThreads: 1,
});
const x = f(`/tmp/enginecpu/${name}.in`),
  y = f(`/tmp/enginecpu/${name}.out`);
const t = Date.now();
const r = await s.run({ [s.inputNames[0]]: new ort.Tensor("float32", x, JSON.parse(shape)) });
const o = Object.values(r)[0].data;
let ab = 0,
  aa = 0,
  bb = 0;
for (let i = 0; i < y.length; i++) {
  ab += o[i] * y[i];
  aa += o[i] ** 2;
  bb += y[i] ** 2;
}
console.log(name, tag, "cosine", ab / Math.sqrt(aa * bb), "ms", Date.now() - t);
