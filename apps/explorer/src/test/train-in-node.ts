import { clipFormFor, configFor } from "@kdc-mae/trainer/recipe";
import { expect } from "vitest";
import { madeClips } from "../lab/made-clips.js";
import { openRun } from "../lab/run.js";
import { experimentOf, type RunWish } from "../lab/run-wish.js";
import { inNode, smallSizes } from "./small-model.js";

/** 50 steps of a model small enough for WebGPU in software. */
export const wish = {
  ...{ clips: 8, batch: 4, epochs: 25, seed: 3, term: "" },
  objective: JSON.stringify({ model: smallSizes, data: { validation: 8, test: 16 } }),
};

/** Every step's loss as Node has it of the same clips, by the same recipe. */
export async function lossesInNode(asked: RunWish): Promise<readonly number[]> {
  const experiment = experimentOf(asked);
  const form = clipFormFor(configFor(experiment), experiment.visual.framesPerClip);
  const run = await openRun(experiment, await madeClips(form, { seed: asked.seed, count: asked.clips }), inNode);
  const totals: number[] = [];
  await run.go(
    () => false,
    ({ total }) => void totals.push(total),
  );
  await run.dispose();
  return totals;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A run's losses are Node's, step by step, within 1e-4, and fall. */
export function expectNodes(losses: readonly (readonly [number, number])[], node: readonly number[]): void {
  expect(losses.map(([step]) => step)).toEqual(node.map((_, step) => step + 1));
  const worst = Math.max(
    ...losses.map(([, total], at) => Math.abs(total - node[at]) / Math.max(1, Math.abs(node[at]))),
  );
  console.info(
    `${node.length} losses, ${node[0].toFixed(3)} to ${node[node.length - 1].toFixed(3)}: at most ${worst.toExponential(1)} from Node's`,
  );
  expect(worst).toBeLessThan(1e-4);
  const totals = losses.map(([, total]) => total);
  const few = Math.ceil(totals.length / 5);
  expect(mean(totals.slice(-few))).toBeLessThan(mean(totals.slice(0, few)));
}
