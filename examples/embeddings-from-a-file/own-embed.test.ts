import { matrix } from "@kdc-mae/eval";
import { expect, it } from "vitest";
import { embed, evaluateOwn } from "./own-embed.mjs";

it("evaluates anybody's embed(batch) above its baselines", async () => {
  const { classification, retrieval } = await evaluateOwn(embed);
  expect(retrieval.gallery).toBe(24);
  for (const direction of [retrieval.audioToVisual, retrieval.visualToAudio])
    expect(direction.medianRank).toBeLessThan(retrieval.chance.medianRank / 2);
  for (const mode of ["audio", "visual", "joint"] as const) {
    const { accuracy, majority, evaluated } = classification[mode];
    expect(evaluated).toBe(24);
    expect(majority.accuracy).toBeCloseTo(1 / 3, 12);
    expect([mode, accuracy > 0.75]).toEqual([mode, true]);
  }
});

it("an embed that looks at nothing stays at the baseline", async () => {
  const blind = (batch: readonly unknown[]) => {
    const rows = matrix(batch.length, 2, new Float32Array(2 * batch.length).fill(1));
    return { audio: rows, visual: rows, joint: rows };
  };
  const { classification } = await evaluateOwn(blind);
  expect(classification.joint.accuracy).toBeCloseTo(classification.joint.majority.accuracy, 12);
});

it("refuses an embed that gives another width from batch to batch, or NaN", async () => {
  const uneven = (batch: readonly unknown[]) => {
    const rows = matrix(batch.length, batch.length);
    return { audio: rows, visual: rows, joint: rows };
  };
  await expect(evaluateOwn(uneven)).rejects.toThrow("embedAll: audio has shape");
  const broken = async (batch: Parameters<typeof embed>[0]) => {
    const made = await embed(batch);
    made.joint.data[0] = Number.NaN;
    return made;
  };
  await expect(evaluateOwn(broken)).rejects.toThrow("NaN in row 0, column 0");
});
