import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { hannWindow } from "./hann.js";

const reference: Record<string, [number, number][]> = JSON.parse(
  readFileSync(new URL("../../../../fixtures/fbank/hann.json", import.meta.url), "utf8"),
);

it.each(Object.entries(reference))("equals torch.hann_window bit by bit at length %s", (length, known) => {
  const window = hannWindow(Number(length));
  const step = Math.fround((2 * Math.PI) / (window.length - 1));
  const exact = Float32Array.from(window, (_, n) => 0.5 - 0.5 * Math.fround(Math.cos(Math.fround(n * step))));
  const bits = [window, exact].map(({ buffer }) => new Int32Array(buffer));
  const others = [...bits[0]].flatMap((value, n) => (value === bits[1][n] ? [] : [[n, value - bits[1][n]]]));
  expect(others).toEqual(known);
});
