import { readFileSync } from "node:fs";
import { createRng, type FloatTensor, float32, type HostTensor, mapTree, type Shaped, treeLeaves } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { createRunner, createTrainStep, valueAndGradients } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { type ClassificationResult, protocolRecords } from "@kdc-mae/eval";
import { type AttentiveProbeParams, attentiveLogits, initAttentiveProbe, initModel } from "@kdc-mae/model";
import type { Tensor, Tensor3D } from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { clipFormFor } from "../../corpus/clip-form.js";
import { memorySet } from "../../corpus/clip-set.js";
import { checkExperiment } from "../../experiment/check.js";
import { named } from "../../experiment/named.js";
import { config, madeClip, statistics } from "../../finetune/made-clips.test.support.js";
import { openCutting } from "../cutting.js";
import { attendClips } from "./attend.js";
import { attentiveLoss, attentiveOptimizer } from "./attentive.js";
import { shuffledEpochs } from "./held-tokens.js";
import type { Subject } from "./subject.js";

const execute = compiled({ threads: 1 });

describe("the attentive probe against PyTorch", () => {
  const file = new URL("../../../../../../fixtures/attentive-probe/probe.json", import.meta.url);
  const reference = JSON.parse(readFileSync(file, "utf8"));
  const { heads, labels } = reference;
  const tokens = float32(reference.tokens.shape, Float32Array.from(reference.tokens.data));
  const classes = reference.logits.length / labels.length;
  const shapes: AttentiveProbeParams<Shaped> = initAttentiveProbe(tokens.shape[2], classes, createRng(1));
  const params = () =>
    mapTree<AttentiveProbeParams<Shaped>, Shaped, FloatTensor>(shapes, (_, path) =>
      float32(reference.params[path].shape, Float32Array.from(reference.params[path].data)),
    ) as AttentiveProbeParams<FloatTensor>;
  const targets = float32([labels.length, classes]);
  for (const [clip, label] of labels.entries()) targets.data[clip * classes + label] = 1;
  const distance = (ours: ArrayLike<number>, theirs: readonly number[]) => {
    expect(ours.length).toBe(theirs.length);
    return Math.hypot(...theirs.map((value, i) => ours[i] - value)) / Math.hypot(...theirs);
  };

  it("has its logits, loss and gradients, compiled", async () => {
    type Inputs = { readonly params: AttentiveProbeParams<Tensor>; readonly tokens: Tensor3D };
    const runner = createRunner(execute, ({ params: own, tokens: given }: Inputs) => ({
      logits: attentiveLogits(own, given, heads),
    }));
    const { logits } = (await runner.run(params(), { tokens })) as { logits: FloatTensor };
    await runner.dispose();
    expect(distance(logits.data, reference.logits)).toBeLessThan(2e-6);

    const inputs = { params: params(), batch: { tokens, targets } };
    const program = await execute(valueAndGradients(attentiveLoss(heads, "softmax")), inputs);
    const { total, gradients } = await program.run(inputs);
    await program.dispose();
    expect(total.data[0]).toBeCloseTo(reference.loss, 6);
    for (const [path, { data }] of treeLeaves<HostTensor>(gradients)) {
      // A key's bias adds the same to all scores: its true gradient is nothing.
      const [ours, theirs]: [ArrayLike<number>, readonly number[]] =
        path === "keysValues.bias"
          ? [data.slice(14), reference.gradients[path].slice(14)]
          : [data, reference.gradients[path]];
      expect([path, distance(ours, theirs) < 1e-5]).toEqual([path, true]);
    }
  });

  it("has its losses over five steps of AdamW", async () => {
    const stepper = createTrainStep(execute, attentiveLoss(heads, "softmax"), attentiveOptimizer(0.01));
    const state = stepper.init(params());
    for (const expected of reference.losses) {
      const { total } = await stepper.step(state, { tokens, targets }, 1e-2);
      expect(Math.abs(total - expected) / expected).toBeLessThan(1e-5);
    }
    await stepper.dispose();
  });

  it("lives: every parameter but the keys' bias receives a gradient from a fresh start", async () => {
    const inputs = { params: initAttentiveProbe(tokens.shape[2], classes, createRng(3)), batch: { tokens, targets } };
    const program = await execute(valueAndGradients(attentiveLoss(heads, "sigmoid")), inputs);
    const { gradients } = await program.run(inputs);
    await program.dispose();
    for (const [path, { data }] of treeLeaves<HostTensor>(gradients)) {
      expect([path, data.some((value) => value !== 0)]).toEqual([path, true]);
    }
  });
});

describe("tokens epoch after epoch", () => {
  const source = (count: number) =>
    async function* () {
      for (let place = 0; place < count; place++) yield { place, tokens: new Float32Array(1) };
    };
  it.each([
    ["held", 7],
    ["drawn from a buffer", 3],
  ])("%s: each clip once an epoch, in an order of its own, the same for a seed", async (_, most) => {
    const epochs = async () => {
      const seen: number[] = [];
      for await (const { place } of shuffledEpochs(source(7), 7, most, 3, createRng("order"))) seen.push(place);
      return [0, 1, 2].map((epoch) => seen.slice(7 * epoch, 7 * epoch + 7));
    };
    const made = await epochs();
    for (const epoch of made) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(made[0]).not.toEqual(made[1]);
    expect(await epochs()).toEqual(made);
  });
});

describe("attentive probes of clips", () => {
  const many = (from: number, count: number, labelled: (clip: StoredClip, at: number) => StoredClip = (clip) => clip) =>
    Array.from({ length: count }, (_, at) => labelled(madeClip(from + at), at));
  const record = protocolRecords.find(({ protocol }) => protocol.name === "attentive-probe-joint")!;
  const quick = { ...record.conduct, epochs: 1, leastSteps: 40 } as Parameters<typeof attendClips>[1];
  const subject = (sets: Readonly<Record<"train" | "validation" | "test", readonly StoredClip[]>>): Subject => ({
    saved: {
      model: {
        ...{ config, statistics, params: initModel(config, createRng(2)) },
        experiment: checkExperiment({ ...named.demo }, "test"),
      },
    },
    ...{ execute, split: "test", leftOut: {}, denormalize: false },
    sets: { train: memorySet(sets.train), validation: memorySet(sets.validation), test: memorySet(sets.test) },
    cutting: openCutting(clipFormFor(config), { statistics, batch: 4 }),
    onProgress: () => undefined,
  });
  const run = async (sets: Parameters<typeof subject>[0]) =>
    (await attendClips(record.protocol, quick, subject(sets))).result as ClassificationResult;

  it("tell classes apart, choose on validation clips, and never look at a test clip's label", async () => {
    const train = many(0, 31);
    const validation = many(200, 7);
    const first = await run({ train, validation, test: many(100, 13) });
    expect(first.accuracy).toBeGreaterThan(first.majority.accuracy + 0.2);
    expect(first.protocol.notes.at(-1)).toMatch(/learning rate 0\.001|learning rate 0\.0001/);
    expect(first.protocol.notes.at(-1)).toContain("on the validation clips");
    const relabelled = (clip: StoredClip, at: number) => ({
      ...clip,
      item: { ...clip.item, labels: [["siren"], ["bell"], ["drum"]][at % 3] },
    });
    const other = await run({ train, validation, test: many(100, 13, relabelled) });
    expect([...other.clips.probabilities.data]).toEqual([...first.clips.probabilities.data]);
  });

  it("guess where training labels are drawn by lot", async () => {
    const rng = createRng("lots");
    const byLot = (clip: StoredClip) => ({
      ...clip,
      item: { ...clip.item, labels: [["bell", "drum", "siren"][rng.integer(3)]] },
    });
    const { accuracy, intervals, protocol } = await run({
      train: many(0, 29, byLot),
      validation: [],
      test: many(100, 61, byLot),
    });
    expect(Math.abs(accuracy - 1 / 3)).toBeLessThan(0.2);
    expect(intervals.accuracy.low).toBeLessThan(intervals.accuracy.high);
    expect(protocol.notes.at(-1)).toContain("on a fifth of the training clips");
  });

  it("say that nothing could be spared where each class has one clip", async () => {
    const { protocol } = await run({ train: many(0, 3), validation: [], test: many(100, 4) });
    expect(protocol.notes.at(-1)).toContain("on the training clips");
  });
});
