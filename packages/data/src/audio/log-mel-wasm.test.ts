import { createRng } from "@kdc-mae/core";
import { afterEach, expect, it, vi } from "vitest";
import { logMel } from "./log-mel.js";
import { wasmLogMel } from "./log-mel-wasm.js";
import { melBank } from "./mel.js";

afterEach(() => vi.unstubAllGlobals());

const rng = createRng("kernel");
const noise = (length: number) => Float32Array.from({ length }, (_, n) => rng.normal() / 9 + Math.sin(n / 7) / 5);

it.each([
  [16000, 128, 400 + 160 * 2],
  [16000, 128, 400 + 160 * 1030 + 59],
  [5120, 23, 4000],
  [22050, 128, 9000],
  [48000, 64, 9001],
])("at %i Hz with %i bins the kernel and the plain code agree on %i samples", (sampleRate, melBins, length) => {
  const samples = noise(length);
  const options = { sampleRate, melBins, frameLengthMs: 25, frameShiftMs: 10 };
  const fast = logMel({ samples, sampleRate }, { ...options });
  vi.stubGlobal("WebAssembly", undefined);
  const plain = logMel({ samples, sampleRate }, { ...options });
  expect(fast.shape).toEqual(plain.shape);
  let most = 0;
  for (const [index, value] of plain.data.entries()) most = Math.max(most, Math.abs(value - fast.data[index]));
  expect(most).toBeLessThan(1e-5);
  expect(fast.data).not.toEqual(plain.data);
});

it("is left out where there is no WebAssembly", () => {
  const plan = {
    ...{ size: 512, window: new Float32Array(400).fill(1), shift: 160, melBins: 40 },
    ...{ bank: melBank(512, 16000, 40, 20), preemphasis: 0.97, energyFloor: 1e-7 },
  };
  expect(wasmLogMel(plan)).toBeDefined();
  vi.stubGlobal("WebAssembly", undefined);
  expect(wasmLogMel(plan)).toBeUndefined();
});
