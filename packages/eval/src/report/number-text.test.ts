import { expect, it } from "vitest";
import { clockText, durationText, numberText } from "./number-text.js";

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

it("says none and all of a share only where it is", () => {
  // 1 of 15,446 (VGGSound's test clips); 14,996 of 15,000; 1 of 2,000 is the least that one place shows.
  const shares = [0, 1 / 15_446, 0.0004, 0.0005, 0.5214, 0.9995, 14_996 / 15_000, 1 - 1 / 1_000_000, 1 - 2e-16, 1];
  expect(shares.map((share) => numberText(share, "share"))).toEqual([
    ...["0.0 %", "0.0065 %", "0.040 %", "0.1 %", "52.1 %", "99.950 %", "99.973 %", "99.99990 %", "100.0 %", "100.0 %"],
  ]);
  expect(numberText(-1 / 15_446, "share")).toBe("-0.0065 %");
});
