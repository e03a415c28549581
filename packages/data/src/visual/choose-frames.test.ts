import { expect, it } from "vitest";
import { chooseFrames } from "./choose-frames.js";

it("spaces frames equally over at most the first ten seconds", () => {
  expect(chooseFrames(30)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(chooseFrames(2, 4)).toEqual([0, 0.5, 1, 1.5]);
  expect(chooseFrames(9, 3, 6)).toEqual([0, 2, 4]);
});

it("refuses a clip without length", () => {
  expect(() => chooseFrames(0)).toThrow("cannot place 10 frames in 0 s with a limit of 10 s");
  expect(() => chooseFrames(1, 1.5)).toThrow("a whole number of frames");
});
