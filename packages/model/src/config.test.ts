import { countPatches } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { checkConfig, type ModelConfig, presets } from "./config.js";

describe("presets", () => {
  it.each(Object.entries(presets))("%s can be built", (_, config) => {
    expect(checkConfig(config)).toBe(config);
  });

  it("base has the paper's patches", () => {
    expect(countPatches(presets.base.audio)).toBe(512);
    expect(countPatches(presets.base.visual)).toBe(196);
  });
});

describe("checkConfig", () => {
  const refusals: [string, Partial<ModelConfig>, RegExp][] = [
    ["heads that do not divide", { heads: 5 }, /embedDim 64 does not divide into 5 heads/],
    ["a width without positions", { decoderDim: 90, decoderHeads: 3 }, /decoderDim 90 is not a multiple of 4/],
    ["no joint block", { jointDepth: 0 }, /jointDepth is 0, not a whole number ≥ 1/],
    ["half a block", { modalityDepth: 1.5 }, /modalityDepth is 1.5/],
    ["half a patch", { audio: { ...presets.tiny.audio, columns: 12.5 } }, /audio.columns is 12.5/],
    ["a single patch", { visual: { rows: 1, columns: 1, patch: 16, channels: 3 } }, /visual has fewer than 2 patches/],
    ["a billion joint blocks", { jointDepth: 1e9 }, /jointDepth is 1000000000, and 1000 is the most that is built/],
    ["a billion decoder blocks", { decoderDepth: 1e9 }, /decoderDepth is 1000000000, and 1000/],
    ["a width of billions", { embedDim: 4e9 }, /embedDim is 4000000000, and 65536/],
    ["a billion patches", { audio: { ...presets.tiny.audio, rows: 1e9 } }, /audio.rows is 1000000000, and 65536/],
    ["no epsilon", { layerNormEpsilon: 0 }, /layerNormEpsilon is 0/],
    ["locality for other heads", { visualLocality: [1, 1] }, /visualLocality has 2 numbers for 4 heads/],
    [
      "negative locality",
      { visualLocality: [0, 0, 0, -1] },
      /visualLocality is \[0, 0, 0, -1\], not numbers of 0 or more/,
    ],
    ["unknown positions", { positions: "rotary" as "fixed" }, /positions is "rotary", not "fixed" or "learned"/],
  ];
  it.each(refusals)("refuses %s", (_, change, message) => {
    expect(() => checkConfig({ ...presets.tiny, ...change })).toThrow(message);
  });

  it("names every problem at once", () => {
    expect(() => checkConfig({ ...presets.tiny, heads: 5, jointDepth: 0 })).toThrow(/jointDepth is 0.*5 heads/);
  });
});
