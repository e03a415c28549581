import { readFile } from "node:fs/promises";
import { createRng, type FloatTensor, type HostTensor } from "@kdc-mae/core";
import { type CompiledProgram, type Hosted, trace } from "@kdc-mae/engine";
import { createProgram } from "@kdc-mae/engine/node";
import { initClassifier, initModel, presets } from "@kdc-mae/model";
import { beforeAll, expect, it } from "vitest";
import { madeUpInputs } from "./difference.js";
import { type GraphInputs, type GraphName, type GraphPlan, type GraphSettings, graphs } from "./graphs.js";
import { makeGraph } from "./make-graph.js";
import type { ExportSource } from "./source.js";

/** The paper's size: attention over 708 tokens is not traced as it is over a few. */
const config = presets.base;
const settings: GraphSettings = { mode: "multimodal", visible: { audio: 128, visual: 49 } };
const statistics = { mean: -5.081, std: 4.4849 };
type Values = Readonly<Record<string, FloatTensor>>;

let sources: Readonly<Record<"model" | "classifier", ExportSource>>;
beforeAll(() => {
  const model = initModel(config, createRng(1));
  sources = {
    model: { config, statistics, params: model },
    classifier: { config, statistics, params: initClassifier(config, 309, createRng(2), model.encoder) },
  };
});
const sourceOf = (name: GraphName) => sources[name === "classifier" ? "classifier" : "model"];

const inputsOf = (name: GraphName, samples: number): Readonly<Record<string, HostTensor>> =>
  madeUpInputs(makeGraph(name, "float32", sourceOf(name), settings).graph, config, samples);

async function once<I, O>(made: Promise<CompiledProgram<I, O>>, inputs: Hosted<I>): Promise<Values> {
  const program = await made;
  try {
    return (await program.run(inputs)) as Values;
  } finally {
    await program.dispose();
  }
}

/** The same function traced for one number of clips, as training traces it: attention in groups. */
const forOneBatch = (name: GraphName, inputs: object): Promise<Values> => {
  const { params } = sourceOf(name);
  const given = { params, ...inputs } as Hosted<GraphInputs>;
  const plan: GraphPlan = graphs[name](config, settings);
  return once(createProgram(trace(plan.fn, given)), given);
};

const far = ({ data: got }: FloatTensor, { data: wanted }: FloatTensor): number => {
  let [apart, size] = [0, 0];
  for (const [i, value] of wanted.entries()) {
    apart += (got[i] - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(apart / size);
};

it.each(["encoder", "inpainting", "classifier"] as const)("%s: any number of clips, as for one", async (name) => {
  const inputs = inputsOf(name, 1);
  const { trace } = makeGraph(name, "float32", sourceOf(name), settings);
  const [got, wanted] = [await once(createProgram(trace), inputs), await forOneBatch(name, inputs)];
  expect(Object.keys(got)).toEqual(Object.keys(wanted));
  for (const [output, value] of Object.entries(wanted)) {
    expect(got[output].shape, output).toEqual(value.shape);
    expect(far(got[output], value), output).toBeLessThan(2e-6);
  }
});

it("retrieval: of both and of each alone; in 8 bits the same direction", async () => {
  const inputs = inputsOf("retrieval", 2);
  const run = (name: GraphName, dtype: "float32" | "int8") =>
    once(createProgram(makeGraph(name, dtype, sources.model, settings).trace), inputs);
  const whole = await run("retrieval", "float32");
  for (const modality of ["audio", "visual"] as const) {
    const name = `${modality}_embedding`;
    const { [modality]: own } = inputs;
    const { trace } = makeGraph(`retrieval-${modality}`, "float32", sources.model, settings);
    const alone = await once(createProgram(trace), { [modality]: own });
    expect(far(alone[name], whole[name])).toBeLessThan(2e-6);
  }
  const small = await run("retrieval", "int8");
  let least = 1;
  for (const [name, { data, shape }] of Object.entries(whole)) {
    const D = shape[1];
    for (const clip of [0, 1]) {
      // Both have length one.
      const [a, b] = [small[name].data, data].map((rows) => rows.subarray(clip * D, (clip + 1) * D));
      const cosine = a.reduce((sum, value, d) => sum + value * b[d], 0);
      expect(cosine, `${name} of clip ${clip}`).toBeGreaterThan(0.999);
      least = Math.min(least, cosine);
    }
  }
  const page = await readFile(new URL("../../../../../docs/measurements/engine.md", import.meta.url), "utf8");
  const told = /retrieval in int8 keeps a cosine of (\S+)/.exec(page)?.[1];
  expect(Math.abs(least - Number(told)), `${least}, and the page says ${told}`).toBeLessThan(1e-4);
});
