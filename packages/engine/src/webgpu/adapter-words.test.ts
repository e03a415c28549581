import { expect, it } from "vitest";
import { adapterInWords } from "./adapter.js";
import { runtimeForTests } from "./adapter.test.support.js";
import { matrixUnitsOf } from "./matrix-units.js";

const features = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"];
const square = { M: 16, N: 16, K: 16, componentType: "f16", resultComponentType: "f32" };
type Changes = { readonly has?: readonly string[]; readonly info?: object; readonly threads?: number };
const unitsOf = ({ has = features, info, threads = 1024 }: Changes) =>
  matrixUnitsOf(
    {
      features: new Set(has),
      info: { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [square], ...info },
    },
    {
      limits: {
        maxComputeInvocationsPerWorkgroup: threads,
        maxComputeWorkgroupStorageSize: 49152,
      },
    },
  );

it("an adapter has matrix units that kernels are written for, or it is said why not", () => {
  expect(unitsOf({})).toEqual({ units: { M: 16, N: 16, K: 16, subgroup: 32, memory: 49152 } });
  const small = { ...square, M: 8, N: 8, K: 8 };
  const bytes = { ...square, componentType: "u8", resultComponentType: "u32" };
  expect(unitsOf({ info: { subgroupMatrixConfigs: [small, bytes, square] } }).units?.M).toBe(16);
  expect([
    unitsOf({ has: ["subgroups"] }),
    unitsOf({ info: { subgroupMinSize: 8 } }),
    unitsOf({ info: { subgroupMatrixConfigs: [bytes] } }),
    unitsOf({ threads: 96 }),
  ]).toEqual([
    { why: "the adapter lacks shader-f16, chromium-experimental-subgroup-matrix" },
    { why: "its subgroups have from 8 to 32 threads" },
    { why: "none of its own takes f16 and adds up in f32" },
    { why: "a workgroup has 96 threads, and four subgroups 128" },
  ]);
});

it("an adapter is named by card and driver, as far as it says them", () => {
  const nothing = { vendor: "", architecture: "", device: "", description: "", features: [] };
  expect([
    adapterInWords({ ...nothing, vendor: "nvidia", device: "nvidia-h100-", description: "NVIDIA: 580.1" }),
    adapterInWords({ ...nothing, vendor: "nvidia", architecture: "hopper" }),
    adapterInWords({ ...nothing, description: "a driver" }),
    adapterInWords(nothing),
  ]).toEqual(["nvidia-h100 (NVIDIA: 580.1)", "nvidia hopper", "a driver", "an adapter that does not say its name"]);
});

const [plain, mixed] = [await runtimeForTests(), await runtimeForTests({ precision: "mixed" })];

it.skipIf(plain === undefined)("a runtime says adapter, driver, precision, and whether matrix units are used", () => {
  console.info(`${plain!.name}; ${mixed!.name}`);
  const words = `WebGPU, ${adapterInWords(plain!.adapter)}`;
  expect(plain!.name).toBe(`${words}, float32, no matrix units`);
  expect(mixed!.name.slice(0, words.length)).toBe(words);
  const lacks = features.filter((name) => !mixed!.adapter.features.includes(name));
  const multiplies =
    lacks.length > 0
      ? `no matrix units (the adapter lacks ${lacks.join(", ")})`
      : expect.stringMatching(/^(matrix units \d+ × \d+ × \d+|no matrix units \(.+\))$/);
  expect(mixed!.name.slice(words.length + ", mixed precision, ".length)).toEqual(multiplies);
});
