import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { float32 } from "@kdc-mae/core";
import { eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { compiled as compiledWeb } from "@kdc-mae/engine/web";
import { avMae } from "@kdc-mae/losses";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planCase } from "./case-plan.js";
import { measureFeatures, measureFinetune } from "./features-and-modes.js";
import { type ParityReport, parity } from "./parity.js";
import { measureCase } from "./pretraining-case.js";
import { openReferenceFolder, type ReferenceFolder } from "./reference-folder.js";
import { worst } from "./relative-error.js";
import { parityTable } from "./table.js";

const seed0 = fileURLToPath(new URL("../../../../fixtures/seed0", import.meta.url));
const compiledOnly = [
  { name: "compiled", execute: compiled({ device: "cpu" }), on: "ONNX Runtime, cpu, float32" },
] as const;

let folder: ReferenceFolder;
let altered: string;
beforeAll(async () => {
  folder = await openReferenceFolder(seed0);
  altered = await mkdtemp(join(tmpdir(), "kdc-mae-parity-"));
});
afterAll(() => rm(altered, { recursive: true }));

type Index = {
  cases: Record<string, { loss: number; flags?: Record<string, boolean> }>;
  adam_curve: number[];
  finetune_losses: Record<string, number>;
};

/** A copy of the folder with one case only and its index changed. */
async function withIndex(name: string, change: (index: Index) => void): Promise<string> {
  const path = join(altered, name);
  await cp(seed0, path, { recursive: true });
  const index: Index = JSON.parse(await readFile(join(path, "index.json"), "utf8"));
  index.cases = { cavmae: index.cases.cavmae };
  index.adam_curve = [];
  change(index);
  await writeFile(join(path, "index.json"), JSON.stringify(index));
  return path;
}

describe("parity with the official code (fixtures/seed0)", () => {
  let report: ParityReport;
  beforeAll(async () => {
    report = await parity(seed0, compiledOnly);
  });

  it.each([
    "complementary",
    "complementary_official",
    "complementary_normpix",
    "complementary_aavv",
    "independent",
    "triple",
    "cavmae",
  ])("compiled: %s", (name) => {
    const found = report.cases.find((one) => one.name === name);
    expect(found?.error).toBeUndefined();
    expect(found).toMatchObject({ execution: "compiled", pass: true });
    expect(found?.loss).toBeLessThan(1e-6);
    expect(found?.worstOutput).toBeLessThan(1e-5);
    expect(found?.worstGradient).toBeLessThan(1e-4);
    expect(Object.keys(found?.errors?.gradients ?? {}).length).toBeGreaterThan(100);
    expect(worst(found?.errors?.parts ?? {})).toBeLessThan(1e-5);
  });

  it("compiled: every case, Adam, features and modes are there, and all pass", () => {
    expect(report.cases.map(({ name }) => name)).toEqual(Object.keys(folder.index.cases));
    expect(report.parts.map(({ name, pass }) => [name, pass])).toEqual([
      ["adam", true],
      ["features", true],
      ["finetune", true],
    ]);
    expect(report.pass).toBe(true);
  });

  it("eager: the misplaced second view, features and modes", async () => {
    const execute = eager("cpu");
    const name = "complementary_official";
    const errors = await measureCase(execute, folder, name, folder.index.cases[name]);
    expect(errors.pass).toBe(true);
    expect(worst(errors.gradients)).toBeLessThan(1e-4);
    expect((await measureFeatures(execute, folder)).worst).toBeLessThan(1e-5);
    expect((await measureFinetune(execute, folder)).worst).toBeLessThan(1e-5);
  });

  it("prints every figure", () => {
    const text = parityTable(report);
    expect(text).toMatch(/view2\.pred_visual +\d\.\de-\d/);
    expect(text).toMatch(/weighted_kd_per_sample +\d\.\de-\d/);
    expect(text).toMatch(/loss at step 5 +\d/);
    expect(text).toMatch(/missingaudioonly\.logits +\d/);
    expect(text).toContain("pass: everything within 1e-4");
  });
});

describe("planCase", () => {
  const one = float32([1], Float32Array.of(1));
  const tensors = { "grad.norm_a.bias": one, "grad.blocks_u.0.norm1_a.weight": one };

  it("reads AV-MAE, and three independent views, from name and flags", () => {
    expect(planCase("avmae", { flags: {} }, tensors)).toMatchObject({ views: 1, compat: [] });
    expect(planCase("avmae", { flags: {} }, tensors).entries.map(({ term }) => term)).toEqual(
      avMae.map(({ term }) => term),
    );
    const flags = { triple_mask: true, complementary: false };
    expect(planCase("triple", { flags }, tensors)).toMatchObject({ views: 3, disjoint: false });
  });

  it("sees in the gradients whether the streams went through all joint blocks", () => {
    const deeper = { ...tensors, "grad.blocks_u.1.norm1_a.weight": one };
    const { "grad.blocks_u.0.norm1_a.weight": _, ...last } = deeper;
    expect(planCase("complementary_official", { flags: {} }, deeper).compat).toEqual(["misplaced-views"]);
    expect(planCase("complementary", { flags: {} }, last).compat).toEqual(["unchained-streams"]);
    expect(planCase("complementary_official", { flags: {} }, last).compat).toEqual([
      "misplaced-views",
      "unchained-streams",
    ]);
  });
});

describe("parity on a folder that does not fit", () => {
  it("fails on a case it does not know, and says so", async () => {
    const path = await withIndex("unknown", (index) => {
      index.cases.complementary_swapped = index.cases.cavmae;
      index.cases.unheard = index.cases.cavmae;
    });
    await cp(join(path, "cavmae.safetensors"), join(path, "unheard.safetensors"));
    const report = await parity(path, compiledOnly);
    expect(report.pass).toBe(false);
    expect(report.cases.map(({ name, pass }) => [name, pass])).toEqual([
      ["cavmae", true],
      ["complementary_swapped", false],
      ["unheard", false],
    ]);
    expect(report.cases[2].error).toContain("case unheard: this case is not known");
    expect(parityTable(report)).toContain("FAIL");
  });

  it("fails on a flag it does not know, and on a number that is off by 2 in 10,000", async () => {
    const path = await withIndex("changed", (index) => {
      index.cases.cavmae.loss *= 1.0002;
      index.cases.triple = { loss: 1, flags: { triple_mask: true, split_decoder: true } };
      index.finetune_losses["audioonly.ce"] *= 1.0002;
    });
    const report = await parity(path, compiledOnly);
    expect(report.cases[0]).toMatchObject({ pass: false, loss: expect.closeTo(2e-4, 6) });
    expect(report.cases[1].error).toContain("it was made with split_decoder, which is not known");
    expect(report.parts.find(({ name }) => name === "finetune")?.pass).toBe(false);
    expect(report.parts.find(({ name }) => name === "features")?.pass).toBe(true);
  });

  it("is refused without an index, by name", async () => {
    await expect(parity(altered, compiledOnly)).rejects.toThrow(/index\.json: there is no such file.*fixtures\/seed0/);
  });
});

describe("parity with CAV-MAE Sync (fixtures/sync0)", () => {
  it("losses, tokens, gradients and unmasked features of every case, global tokens, registers and heads included", async () => {
    const report = await parity(fileURLToPath(new URL("../../../../fixtures/sync0", import.meta.url)), compiledOnly);
    expect(report.cases.map(({ name }) => name).sort()).toEqual(
      ["global_only", "registers_only", "sync", "sync_global_local", "sync_heads"].sort(),
    );
    for (const { name, pass, error, loss, worstGradient } of report.cases) {
      expect({ name, pass, error }).toEqual({ name, pass: true, error: undefined });
      expect(loss).toBeLessThan(1e-5);
      expect(worstGradient).toBeLessThan(1e-4);
    }
    const features = report.parts.find(({ name }) => name === "features");
    expect(Object.keys(features?.errors ?? {})).toContain("sync_heads.globalVisual");
    expect(features?.pass).toBe(true);
  });

  it.each([
    ["onnxruntime-web", compiledWeb()],
    ["tfjs, operation by operation", eager("cpu")],
  ])("the case with every extra, through %s", async (_, execute) => {
    const sync0 = await openReferenceFolder(fileURLToPath(new URL("../../../../fixtures/sync0", import.meta.url)));
    const made = await measureCase(execute, sync0, "sync_heads", sync0.index.cases.sync_heads);
    expect([made.pass, made.loss < 1e-5, worst(made.gradients) < 1e-4]).toEqual([true, true, true]);
  });
});
