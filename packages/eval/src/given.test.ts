import { isKdcError } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { classification } from "./classification/classification.js";
import { fewShot } from "./classification/few-shot.js";
import { fitLinearProbe } from "./classification/linear-probe.js";
import { knnProbe } from "./classification/nearest-neighbours.js";
import { tagging } from "./classification/tagging.js";
import { inpainting } from "./inpainting/inpainting.js";
import { localization } from "./localization/localization.js";
import { retrieval } from "./retrieval/retrieval.js";
import { vggSounder } from "./vggsounder/vggsounder.js";

const heads: Readonly<Record<string, (input: never) => unknown>> = {
  ...{ classification, fewShot, fitLinearProbe, inpainting, knnProbe, localization, retrieval, tagging, vggSounder },
};

it.each(Object.keys(heads))("%s says what plain JavaScript forgot", async (name) => {
  for (const input of [undefined, null, {}, { kinds: ["a"] }]) {
    const caught = await (async () => heads[name](input as never))().catch((error: unknown) => error);
    expect([name, input, isKdcError(caught) && caught.reason]).toEqual([name, input, "missing"]);
    expect((caught as Error).message).toMatch(/not given. Call it with one object that holds/);
  }
});
