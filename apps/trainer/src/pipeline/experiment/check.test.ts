import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkExperiment } from "./check.js";
import { loadExperiment } from "./load.js";
import { named } from "./named.js";

const messageOf = (value: unknown): string => {
  try {
    checkExperiment(value, "file.ts");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

describe("checkExperiment", () => {
  it.each(Object.keys(named))("takes %s", (name) => {
    expect(checkExperiment(named[name], name).name).toBe(name);
  });

  it("names an unknown key", () => {
    expect(messageOf({ ...named.demo, masking: { ...named.demo.masking, ratio: 0.5 } })).toBe(
      'experiment file.ts: masking has no "ratio". Correct this key in the experiment file',
    );
  });

  it("names the allowed values", () => {
    expect(messageOf({ ...named.demo, model: { preset: "huge" } })).toContain(
      'model.preset must be one of "tiny", "small", "base"',
    );
  });

  it("names every wrong key at once", () => {
    const message = messageOf({ ...named.demo, training: { batch: 0, epochs: 2.5 } });
    expect(message).toContain("training.batch");
    expect(message).toContain("training.epochs");
  });
});

describe("loadExperiment", () => {
  it("lays changes over a named experiment", async () => {
    const experiment = await loadExperiment("demo", [{ masking: { views: 3 } }, { seed: 4 }]);
    expect(experiment.masking.views).toBe(3);
    expect(experiment.seed).toBe(4);
  });

  it("takes the example on real data", async () => {
    const file = fileURLToPath(new URL("../../../../../examples/spoken-names/experiment.json", import.meta.url));
    const { name, data, model } = await loadExperiment(file);
    expect([name, data.kind, model.visualLocality]).toEqual(["spoken-names", "manifest", undefined]);
  });

  it("says what names there are", async () => {
    await expect(loadExperiment("nothing")).rejects.toThrow(
      /"nothing" is neither a named experiment nor a file. Use one of demo/,
    );
  });
});
