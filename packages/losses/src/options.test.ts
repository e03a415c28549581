import { describe, expect, it } from "vitest";
import { builtinTerms } from "./builtin.js";
import { entry, objective } from "./objective.js";
import type { OptionsSchema } from "./options.js";
import type { LossTerm } from "./term.js";

const one = (term: string, options: object) => () => objective([{ term, options } as never]);

describe("an option that no term reads", () => {
  it.each([
    ["reconstruction-visual", { normPixel: true }, 'there is no option "normPixel". Its options are normPixels'],
    ["reconstruction-audio", { normPixels: "true" }, 'normPixels is "true". Use true or false'],
    [
      "contrastive",
      { temprature: 0.1, direction: "both" },
      'there is no option "temprature". Its options are temperature, direction, pooling, tokens',
    ],
    ["contrastive", { temperature: "0.1" }, 'the temperature is "0.1". Use a number above 0, such as 0.05'],
    [
      "view-distillation",
      { stream: ["joint"], divergence: "l2" },
      'there is no option "stream"; the divergence "l2" is not known. Its options are divergence, distribution, temperature, streams, target; Use one of js,',
    ],
    [
      "view-distillation",
      { divergence: "mse", distribution: "softmax" },
      "mse compares embeddings and uses no distribution",
    ],
    ["view-distillation", { divergence: "mmd", temperature: 2 }, "mmd compares embeddings and uses no temperature"],
    ["view-distillation", ["joint"], "the options are not an object"],
  ])("%s %j", (term, options, words) => {
    expect(one(term, options)).toThrow(`${term}: ${words}`);
  });

  it("is refused by every built-in term", () => {
    for (const [name, term] of Object.entries(builtinTerms)) {
      expect([name, term.schema === undefined]).toEqual([name, false]);
      expect(one(name, { surely: 1 })).toThrow(`${name}: there is no option "surely"`);
    }
  });
});

describe("a term of somebody's own", () => {
  const { contrastive } = builtinTerms;
  const own = <Options>(schema: OptionsSchema<Options>): LossTerm<Options> => ({
    name: "own",
    schema,
    needs: () => ({ views: 1, encoded: ["audio", "visual"] }),
    compute: (evidence) => contrastive.compute(evidence),
  });

  it("must say it at once", () => {
    const later = own<object>({
      "~standard": { version: 1, vendor: "later", validate: async (value) => ({ value: value as object }) },
    });
    expect(() => objective([entry({ term: later })])).toThrow("own: its schema validates asynchronously");
  });
});
