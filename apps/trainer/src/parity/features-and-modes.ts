import { type FloatTensor, type HostPatches, KdcError, type Patches, type Tree, treeLeaves } from "@kdc-mae/core";
import type { Execute, Hosted } from "@kdc-mae/engine";
import { binaryCrossEntropy, crossEntropy } from "@kdc-mae/losses";
import {
  type ClassifierMode,
  type ClassifierParams,
  classify,
  features,
  loadClassifier,
  loadEncoder,
  officialModes,
} from "@kdc-mae/model";
import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import { planCase } from "./case-plan.js";
import type { ReferenceFolder } from "./reference-folder.js";
import { referencePatches } from "./reference-inputs.js";
import { judged, type PartErrors, relativeError } from "./relative-error.js";

async function runOnce<I, O>(
  execute: Execute,
  fn: (inputs: I) => O,
  inputs: Hosted<I>,
): Promise<Map<string, FloatTensor>> {
  const program = await execute(fn, inputs);
  const result = await program.run(inputs);
  await program.dispose();
  return new Map(treeLeaves(result as Tree<FloatTensor>));
}

/** Compares the tokens of whole clips, nothing hidden. */
export async function measureFeatures(execute: Execute, folder: ReferenceFolder): Promise<PartErrors> {
  const { config } = folder;
  const encoder = loadEncoder(config, await folder.tensors("weights")).params;
  const patches = referencePatches(await folder.tensors("inputs"), config);
  const encode = (inputs: { params: { encoder: ClassifierParams<Tensor>["encoder"] }; patches: Patches }) =>
    features(config, inputs.params, inputs.patches);
  const ours = await runOnce(execute, encode, { params: { encoder }, patches });
  const expected = Object.entries(await folder.tensors("features"));
  return judged(
    Object.fromEntries(
      expected.map(([name, { data }]) => [
        name,
        relativeError(ours.get(name.replace(/_tokens$/, ""))?.data ?? [], data),
      ]),
    ),
  );
}

const losses = { ce: crossEntropy, bce: binaryCrossEntropy } as const;

const modeNamed = (official: string): ClassifierMode => {
  const found = Object.entries(officialModes).find(([, name]) => name === official);
  if (found !== undefined) return found[0] as ClassifierMode;
  throw new KdcError({
    where: "fine-tuning modes",
    what: `the mode ${official} is not known`,
    remedy: `Known modes are ${Object.values(officialModes).join(", ")}`,
    reason: "unknown-case",
  });
};

type ClassifyInputs = {
  readonly params: ClassifierParams<Tensor>;
  readonly patches: Patches;
  readonly labels: Tensor2D;
};

/** What the official class gives for whole clips, in its order. */
const featureNames = ["audio", "visual", "globalAudio", "globalVisual"];

/** Compares the tokens of whole clips that every case has in a file of its own, `name.features.safetensors`. */
export async function measureCaseFeatures(execute: Execute, folder: ReferenceFolder): Promise<PartErrors> {
  const inputs = await folder.tensors("inputs");
  const errors: Record<string, number> = {};
  for (const [name, reference] of Object.entries(folder.index.cases)) {
    if (!folder.has(`${name}.features`)) continue;
    const config = { ...folder.config, ...planCase(name, reference, {}).tokens };
    const encoder = loadEncoder(config, await folder.weights(name)).params;
    const encode = (given: { params: { encoder: ClassifierParams<Tensor>["encoder"] }; patches: Patches }) =>
      features(config, given.params, given.patches);
    const ours = await runOnce(execute, encode, { params: { encoder }, patches: referencePatches(inputs, config) });
    for (const [key, { data }] of Object.entries(await folder.tensors(`${name}.features`))) {
      const stream = featureNames[Number(key.replace("feature", ""))];
      errors[`${name}.${stream}`] = relativeError(ours.get(stream)?.data ?? [], data);
    }
  }
  return judged(errors);
}

/** Compares logits and losses of every fine-tuning mode the folder holds. */
export async function measureFinetune(execute: Execute, folder: ReferenceFolder): Promise<PartErrors> {
  const { config, index } = folder;
  const stored = await folder.tensors("finetune");
  const weights = Object.entries(await folder.tensors("weights")).filter(
    ([name]) => !/^(decoder_|mask_token)/.test(name),
  );
  const head = Object.entries(stored).filter(([name]) => name.startsWith("mlp_head."));
  const { params } = loadClassifier(config, Object.fromEntries([...weights, ...head]));
  const patches: HostPatches = referencePatches(await folder.tensors("inputs"), config);
  const named = [
    ...Object.keys(stored).flatMap((key) => (key.startsWith("logits.") ? [key.slice("logits.".length)] : [])),
    ...Object.keys(index.finetune_losses).map((key) => key.replace(/\.[^.]*$/, "")),
  ];
  const errors: Record<string, number> = {};
  for (const official of new Set(named)) {
    const mode = modeNamed(official);
    const run = ({ params, patches, labels }: ClassifyInputs) => {
      const logits = classify(config, params, patches, mode);
      return { logits, ce: losses.ce(logits, labels), bce: losses.bce(logits, labels) };
    };
    const ours = await runOnce(execute, run, { params, patches, labels: stored.labels });
    const expected: [string, ArrayLike<number> | undefined][] = [
      ["logits", stored[`logits.${official}`]?.data],
      ...Object.keys(losses).map((loss): [string, number[] | undefined] => {
        const value = index.finetune_losses[`${official}.${loss}`];
        return [loss, value === undefined ? undefined : [value]];
      }),
    ];
    for (const [what, reference] of expected) {
      if (reference !== undefined) errors[`${official}.${what}`] = relativeError(ours.get(what)?.data ?? [], reference);
    }
  }
  return judged(errors);
}
