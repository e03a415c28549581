import { describe, expect, it } from "vitest";
import { expectSplit, placeClips, placingInWords } from "./place-clips.js";
import { recordingsInSplits } from "./recordings-in-splits.js";

const all = ["train", "test", "validation", "train", "extra"];
const none = [undefined, undefined, undefined];
const some = ["test", undefined, undefined];

describe("placeClips", () => {
  it.each([
    ["all named, for fitting", all, "fitting", { extra: 1, test: 1, train: 2, validation: 1 }],
    ["all named, for scoring", all, "scoring", { extra: 1, test: 1, train: 2, validation: 1 }],
    ["none named, for fitting", none, "fitting", { train: 3 }],
    ["none named, for scoring", none, "scoring", { test: 3 }],
    ["some named, for fitting", some, "fitting", { test: 1, train: 2 }],
    ["some named, for scoring", some, "scoring", { test: 1, train: 2 }],
    ["nothing", [], "fitting", {}],
  ] as const)("%s", (_, named, namedFor, counts) => {
    const placing = placeClips(named, namedFor);
    expect(placing.counts).toEqual(counts);
    const placed = named.map((split) => placing.of(split));
    expect(Object.entries(counts).every(([split, n]) => placed.filter((one) => one === split).length === n)).toBe(true);
  });

  it("puts clips that are all to be scored where it is asked to", () => {
    expect(placeClips(none, "scoring", "validation").counts).toEqual({ validation: 3 });
  });

  it("knows recordings with clips in two splits, those that name none where they go", () => {
    const recordings = recordingsInSplits();
    const window = (path: string, split?: string) => recordings.add({ path, start: 0, end: 1, split });
    window("a", "train");
    window("b", "validation");
    window("c");
    recordings.add({ path: "whole", split: "train" });
    recordings.add({ path: "whole", split: "test" });
    window("a", "train");
    window("b", "test");
    window("b", "train");
    window("c", "test");
    for (const split of ["train", "test"]) recordings.add({ path: split, columns: { recording: "d" }, split });
    for (const split of ["test", "validation"]) recordings.add({ recording: "e", split });
    const { recordingsInBoth: inBoth } = recordings.told(placeClips([]));
    expect([inBoth?.("train", "test"), inBoth?.("train", "validation"), inBoth?.("validation", "test")]).toEqual([
      ["b", "c", "d"],
      ["b"],
      ["b", "e"],
    ]);
  });

  it("is told in one line", () => {
    expect(placingInWords(placeClips(some), { train: "fitted", test: "scored" })).toBe(
      "test 1 (scored), train 2 (fitted); 2 name no split and count as train",
    );
    expect(placingInWords(placeClips(all), { train: "fitted" })).toBe(
      "extra 1 (not used), test 1 (not used), train 2 (fitted), validation 1 (not used)",
    );
  });

  it("says what there is where a split is missing", () => {
    expect(() => expectSplit(placeClips(none), "test", "data set")).toThrow(
      "data set: no clip is of the test split (clips by split: train 3). Say which clips are of it",
    );
  });
});
