import { fileURLToPath } from "node:url";
import { createWebGpuRuntime } from "@kdc-mae/engine";
import { describe, expect, it } from "vitest";
import { measureAdam } from "./adam-curve.js";
import { measureFeatures } from "./features-and-modes.js";
import { measureCase } from "./pretraining-case.js";
import { openReferenceFolder } from "./reference-folder.js";
import { worst } from "./relative-error.js";

const sync0 = fileURLToPath(new URL("../../../../fixtures/sync0", import.meta.url));
const seed0 = fileURLToPath(new URL("../../../../fixtures/seed0", import.meta.url));
/** The self-test has a test of its own. */
const runtime = await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined } }).catch(
  (error: Error) => error.message,
);
if (typeof runtime === "string") console.info(`skipped on WebGPU: ${runtime}`);

describe.skipIf(typeof runtime === "string")("the official code's numbers, on WebGPU", () => {
  const execute = typeof runtime === "string" ? (undefined as never) : runtime.execute;

  it("losses, tokens and the gradient of every parameter", { timeout: 900_000 }, async () => {
    const folder = await openReferenceFolder(seed0);
    const { complementary } = folder.index.cases;
    const { loss, outputs, gradients, pass } = await measureCase(execute, folder, "complementary", complementary);
    console.info(`loss ${loss}, outputs ${worst(outputs)}, gradients ${worst(gradients)}`);
    expect(pass).toBe(true);
    expect(loss).toBeLessThan(1e-5);
    expect(Object.keys(gradients).length).toBeGreaterThan(100);
  });

  it("CAV-MAE Sync's, with global tokens, registers and contrast heads", { timeout: 900_000 }, async () => {
    const folder = await openReferenceFolder(sync0);
    const { loss, gradients, pass } = await measureCase(execute, folder, "sync_heads", folder.index.cases.sync_heads);
    console.info(`loss ${loss}, gradients ${worst(gradients)}`);
    expect([pass, loss < 1e-5, worst(gradients) < 1e-4]).toEqual([true, true, true]);
  });

  it("Adam's steps, the state on the device", { timeout: 900_000 }, async () => {
    const { pass, errors } = await measureAdam(execute, await openReferenceFolder(seed0));
    console.info(`worst weight or loss ${worst(errors)}`);
    expect(pass).toBe(true);
  });

  it("features", { timeout: 900_000 }, async () => {
    expect(await measureFeatures(execute, await openReferenceFolder(seed0))).toMatchObject({ pass: true });
  });
});
