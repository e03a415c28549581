import { expect, it } from "vitest";
import { placeClips } from "../dataset/place-clips.js";
import { noSums } from "../prepare/log-mel-sums.js";
import { startSummary } from "../prepare/summary.js";
import { leftOutOf } from "./left-out-of.js";

const quarantined = { missing: 3, "no-audio": 2 };
const quarantinedBySplit = { train: { missing: 2 }, test: { "no-audio": 2 }, none: { missing: 1 } };

it("counts what is left out in the split where it would be", () => {
  const placing = placeClips(["train", "test", undefined]);
  expect(leftOutOf({ quarantined, quarantinedBySplit }, placing)).toEqual({
    ...{ train: { missing: 3 }, validation: {}, test: { "no-audio": 2 } },
  });
  // None names a split, and all are scored.
  const scored = placeClips([undefined, undefined], "scoring", "validation");
  expect(leftOutOf({ quarantined: { missing: 1 }, quarantinedBySplit: { none: { missing: 1 } } }, scored)).toEqual({
    ...{ train: {}, validation: { missing: 1 }, test: {} },
  });
});

it("a set that was begun by an earlier version does not say the splits of what it left out then", () => {
  const summary = startSummary({} as Parameters<typeof startSummary>[0]);
  const record = { tar: "a.tar", samples: [], bytes: 0, logMel: noSums };
  const left = { file: "", stage: "decode", reason: "missing", message: "" } as const;
  summary.add({
    ...record,
    quarantined: [
      { ...left, id: "earlier" },
      { ...left, id: "later", split: "none" },
    ],
  } as never);
  expect(summary.finish()).toMatchObject({ quarantined: { missing: 2 }, quarantinedBySplit: { none: { missing: 1 } } });
});

it("says of what splits it does not know", () => {
  const all = { "missing (of any split)": 3, "no-audio (of any split)": 2 };
  const earlier = leftOutOf({ quarantined }, placeClips(["train", "test"]));
  expect(earlier).toEqual({ train: all, validation: all, test: all });
  // Every clip that is there has a split that was dealt when it was read; this one was not there.
  expect(leftOutOf({ quarantined, quarantinedBySplit }, placeClips(["train", "test"])).test).toEqual({
    ...{ "no-audio": 2, "missing (of any split)": 1 },
  });
});
