import { describe, expect, it } from "vitest";
import { parseChange, withChanges } from "./change.js";

describe("withChanges", () => {
  it("merges records, replaces lists and values, removes with null", () => {
    const base = { name: "a", model: { preset: "tiny", heads: 4 }, objective: [1, 2], teacher: { momentum: 0.9 } };
    expect(withChanges(base, { model: { heads: 2 }, objective: [3], teacher: null })).toEqual({
      name: "a",
      model: { preset: "tiny", heads: 2 },
      objective: [3],
    });
    expect(base.model.heads).toBe(4);
  });

  it("replaces data and schedules that become another kind", () => {
    const base = { data: { kind: "synthetic", train: 3 }, masking: { kind: "complementary", views: 2 } };
    const changes = { data: { kind: "shards", path: "set" }, masking: { kind: "independent" } };
    expect(withChanges(base, changes)).toEqual({ ...changes, masking: { kind: "independent", views: 2 } });
    expect(withChanges(base, { data: { train: 5 } })).toEqual({ ...base, data: { kind: "synthetic", train: 5 } });
  });

  it("removes with null what is not there, too", () => {
    const base = { data: { kind: "synthetic", train: 3 } };
    const changes = { data: { kind: "shards", path: "set", train: null }, teacher: null, audio: { noise: null } };
    expect(withChanges(base, changes)).toEqual({ data: { kind: "shards", path: "set" }, audio: {} });
  });

  it("reads assignments", () => {
    expect(parseChange("masking.views=3")).toEqual({ masking: { views: 3 } });
    expect(parseChange("name=arm-b")).toEqual({ name: "arm-b" });
    expect(parseChange("optimizer.betas=[0.9,0.99]")).toEqual({ optimizer: { betas: [0.9, 0.99] } });
  });
});
