import { expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { contentKey } from "./plan.js";

const demo = checkExperiment(named.demo, "demo");

it("knows a run by what its experiment says, whatever it is called and in whatever order", () => {
  expect(contentKey({ ...demo, name: "other" })).toBe(contentKey(demo));
  expect(contentKey(Object.fromEntries(Object.entries(demo).reverse()) as typeof demo)).toBe(contentKey(demo));
  expect(contentKey({ ...demo, seed: 1 })).not.toBe(contentKey(demo));
});

it("knows a loss term of somebody's own by its code, which JSON does not hold", () => {
  const withTerm = (compute: () => never) =>
    checkExperiment(
      { ...named.demo, objective: [{ term: { name: "own", needs: () => ({ views: 1 }), compute } }] },
      "own",
    );
  const [one, other] = [withTerm(() => 1 as never), withTerm(() => 2 as never)];
  expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  expect(contentKey(one)).not.toBe(contentKey(other));
  expect(contentKey(withTerm(() => 1 as never))).toBe(contentKey(one));
});
