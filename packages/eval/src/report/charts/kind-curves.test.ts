import { expect, it } from "vitest";
import { classification } from "../../classification/classification.js";
import { matrix } from "../../matrix.js";
import { kindCurve, kindCurves } from "./kind-curves.js";

const kinds = ["bell <1>", "drum", "flute"];
const scored = (...rows: number[][]) =>
  classification({
    kinds,
    probabilities: matrix(rows.length, 3, Float32Array.from(rows.flat())),
    labels: [0, 1, 0, 1, 1],
  });
const good = scored([0.9, 0.1, 0], [0.1, 0.9, 0], [0.8, 0.2, 0], [0.2, 0.8, 0], [0.3, 0.7, 0]);
const poor = scored([0.9, 0.1, 0], [0.8, 0.2, 0], [0.7, 0.3, 0], [0.6, 0.4, 0], [0.5, 0.5, 0]);

it("has the precision at every recall of that kind alone", () => {
  expect(kindCurve(good, 0)).toEqual([
    [0.5, 1],
    [1, 1],
  ]);
  expect(kindCurve(poor, 0)).toEqual([
    [0.5, 1],
    [1, 2 / 3],
  ]);
  expect(kindCurve(poor, 1)).toEqual([
    [1 / 3, 1],
    [2 / 3, 1],
    [1, 3 / 4],
  ]);
  expect(kindCurve(good, 2)).toEqual([]);
});

it("draws one small chart per kind and one line per mode, and says where a kind has no clips", () => {
  const drawn = kindCurves({ joint: poor, audio: good });
  expect([...drawn.matchAll(/<svg/g)]).toHaveLength(3);
  expect([...drawn.matchAll(/class="line line-0" d="([^"]+)"/g)].map(([, path]) => path)).toEqual([
    "M4 4L50 4L96 34.7",
    "M4 4L34.7 4L65.3 4L96 27",
  ]);
  expect([...drawn.matchAll(/class="line line-1"/g)]).toHaveLength(2);
  expect(drawn).toContain("bell &lt;1&gt;<small>AP 83.3 %</small>");
  expect(drawn).toContain("flute<small>no clips here</small>");
  expect(drawn).toContain('<li class="key-1">audio</li>');
  expect(drawn).not.toMatch(/NaN|<1>/);
  expect(drawn).toContain("<details open>");
});
