import { expect, it } from "vitest";
import { clockText, durationText } from "./number-text.js";

it("never says sixty of what comes next", () => {
  expect([12.34, 59.96, 119.7, 3599.6, 7170, 7199].map(durationText)).toEqual([
    "12.3 s",
    "1 min 0 s",
    "2 min 0 s",
    "1 h 0 min",
    "2 h 0 min",
    "2 h 0 min",
  ]);
  expect([7, 59.96, 3723.5].map(clockText)).toEqual(["0:07", "1:00", "1:02:03.5"]);
});
