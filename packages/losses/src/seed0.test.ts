import { readFileSync } from "node:fs";
import { type Evidence, mapTree } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { avMae, cavMae, kdcMae } from "./builtin.js";
import { type ObjectiveEntry, objective } from "./objective.js";
import { binaryCrossEntropy, crossEntropy } from "./terms/classification.js";
import { contrastiveAccuracy, contrastiveLoss } from "./terms/contrastive.js";
import { normalizePatches, reconstructionPerClip } from "./terms/masked-reconstruction.js";
import { distillationPerClip } from "./terms/view-distillation.js";

/** The losses of the official code on its own tokens and predictions (fixtures/seed0). */
const folder = new URL("../../../fixtures/seed0/", import.meta.url);
const index = JSON.parse(readFileSync(new URL("index.json", folder), "utf8"));

/** The float32 tensors of a safetensors file: 8 bytes of header length, JSON header, data. */
function golden(name: string): Record<string, { shape: number[]; data: Float32Array }> {
  const file = readFileSync(new URL(`${name}.safetensors`, folder));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    file.toString("utf8", 8, start),
  );
  delete header.__metadata__;
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        key,
        {
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const bytes = Uint8Array.from(file.subarray(start + from, start + to));
        return [key, { shape, data: new Float32Array(bytes.buffer) }];
      },
    ),
  );
}

const asTensor = <T extends tf.Tensor>({ shape, data }: { shape: number[]; data: Float32Array }): T =>
  tf.tensor(data, shape) as T;

/** Audio `[B, T, F]` → rows of frequency, columns of time, numbers [frequency, time]; pictures `[B, C, H, W]` → numbers [h, w, c]. */
function patches(): Evidence["patches"] {
  const { audio, imgs } = golden("inputs");
  const side = index.config.patch;
  const [B, T, F] = audio.shape;
  const [, C, H, W] = imgs.shape;
  const audioParts = tf.reshape(asTensor(audio), [B, T / side, side, F / side, side]);
  const visualParts = tf.reshape(asTensor(imgs), [B, C, H / side, side, W / side, side]);
  return {
    audio: tf.reshape(tf.transpose(audioParts, [0, 3, 1, 4, 2]), [B, -1, side * side]),
    visual: tf.reshape(tf.transpose(visualParts, [0, 2, 4, 3, 5, 1]), [B, -1, side * side * C]),
  };
}

/** Positions where a mask `[B, N]` holds `value`. */
function positions(mask: { shape: number[]; data: Float32Array }, value: number): tf.Tensor2D {
  const [B, N] = mask.shape;
  const rows = Array.from({ length: B }, (_, clip) =>
    Array.from({ length: N }, (_, patch) => patch).filter((patch) => mask.data[clip * N + patch] === value),
  );
  return tf.tensor2d(rows, [B, rows[0].length], "int32");
}

function evidenceOf(name: string): Evidence {
  const stored = golden(name);
  const count = Object.keys(stored).filter((key) => /^view\d+\.joint$/.test(key)).length;
  return {
    patches: patches(),
    views: Array.from({ length: count }, (_, view) => {
      const get = (key: string) => stored[`view${view}.${key}`];
      const place = (modality: string) => ({
        visible: positions(get(`mask_${modality}`), 0),
        hidden: positions(get(`mask_${modality}`), 1),
      });
      return {
        view: { audio: place("audio"), visual: place("visual") },
        encoded: { joint: asTensor(get("joint")), audio: asTensor(get("audio")), visual: asTensor(get("visual")) },
        reconstruction: { audio: asTensor(get("pred_audio")), visual: asTensor(get("pred_visual")) },
      };
    }),
  };
}

const relative = (ours: number, reference: number): number => Math.abs(ours - reference) / Math.abs(reference);
const read = (compute: () => tf.Tensor): number[] => Array.from(tf.tidy(() => compute().dataSync()));

const normPixels: readonly ObjectiveEntry[] = [
  { term: "reconstruction-audio", options: { normPixels: true } },
  { term: "reconstruction-visual", options: { normPixels: true } },
  ...kdcMae.slice(2),
];
const threeStreams: readonly ObjectiveEntry[] = [
  ...cavMae,
  { term: "view-distillation", weight: 10, options: { streams: ["joint", "audio", "visual"] } },
];

const cases: [name: string, entries: readonly ObjectiveEntry[]][] = [
  ["complementary", kdcMae],
  ["complementary_official", kdcMae],
  ["complementary_normpix", normPixels],
  ["complementary_aavv", threeStreams],
  ["independent", kdcMae],
  ["triple", kdcMae],
  ["cavmae", cavMae],
];

const tolerance = 1e-6;

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("the official code's losses, from its own tokens and predictions", () => {
  it("knows every case that is there", () => {
    expect(cases.map(([name]) => name).sort()).toEqual(Object.keys(index.cases).sort());
  });

  it.each(cases)("%s: the total, every view's parts and every clip's distillation", (name, entries) => {
    const reference = index.cases[name];
    const evidence = evidenceOf(name);
    const report = objective(entries).compute(evidence);
    expect(relative(report.total.dataSync()[0], reference.loss)).toBeLessThan(tolerance);

    for (const [view, viewEvidence] of evidence.views.entries()) {
      const expected = reference[`view${view}`];
      for (const modality of ["audio", "visual"] as const) {
        const raw = evidence.patches[modality];
        const target = name.endsWith("normpix") ? normalizePatches(raw) : raw;
        const [error] = read(() => tf.mean(reconstructionPerClip(modality, viewEvidence, target)));
        expect(relative(error, expected[`mae_${modality}`])).toBeLessThan(tolerance);
      }
      const { audio, visual } = viewEvidence.encoded;
      const [loss] = read(() => contrastiveLoss(audio, visual));
      expect(relative(0.01 * loss, expected.weighted_contrastive)).toBeLessThan(3 * tolerance);
      const [accuracy] = read(() => contrastiveAccuracy(audio, visual));
      expect(accuracy).toBeCloseTo(expected.contrastive_accuracy, 6);
    }

    if (reference.weighted_kd_per_sample === undefined) return;
    const options = name.endsWith("aavv") ? { streams: ["joint", "audio", "visual"] as const } : {};
    const perClip = read(() => distillationPerClip(evidence, options));
    expect(perClip).toHaveLength(reference.weighted_kd_per_sample.length);
    for (const [clip, expected] of reference.weighted_kd_per_sample.entries()) {
      expect(relative(10 * perClip[clip], expected)).toBeLessThan(3 * tolerance);
    }
  });

  it("AV-MAE is the reconstruction part of CAV-MAE", () => {
    const report = objective(avMae).compute(evidenceOf("cavmae"));
    expect(relative(report.total.dataSync()[0], index.cases.cavmae.view0.mae)).toBeLessThan(tolerance);
  });

  it("a wrongly placed mask would be seen: the numbers above depend on the positions", () => {
    const evidence = evidenceOf("complementary");
    const swapped = mapTree(evidence, (leaf: tf.Tensor, path) =>
      path.startsWith("views.1.view.audio.hidden") ? evidence.views[0].view.audio.hidden : leaf,
    ) as Evidence;
    const total = objective(kdcMae).compute(swapped).total.dataSync()[0];
    expect(relative(total, index.cases.complementary.loss)).toBeGreaterThan(100 * tolerance);
  });
});

describe("the official code's fine-tuning losses", () => {
  const stored = golden("finetune");
  const modes = Object.keys(stored).filter((key) => key.startsWith("logits."));

  it.each(modes)("%s", (key) => {
    const mode = key.slice("logits.".length);
    const [logits, labels] = [asTensor<tf.Tensor2D>(stored[key]), asTensor<tf.Tensor2D>(stored.labels)];
    const [ce] = read(() => crossEntropy(logits, labels));
    const [bce] = read(() => binaryCrossEntropy(logits, labels));
    expect(relative(ce, index.finetune_losses[`${mode}.ce`])).toBeLessThan(tolerance);
    expect(relative(bce, index.finetune_losses[`${mode}.bce`])).toBeLessThan(tolerance);
  });
});
