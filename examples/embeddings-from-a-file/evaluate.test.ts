import { readFileSync } from "node:fs";
import { reportHtml, reportJson } from "@kdc-mae/eval/report";
import { expect, it } from "vitest";
import { evaluate } from "./evaluate.mjs";
import { makeEmbeddings } from "./make-embeddings.mjs";

const file = readFileSync(new URL("embeddings.csv", import.meta.url), "utf8");

it("reads what the maker writes", () => {
  expect(makeEmbeddings()).toBe(file);
});

it("evaluates a plain file well above its baselines", () => {
  const { classification, retrieval } = evaluate(file);
  expect(retrieval.gallery).toBe(60);
  expect(retrieval.audioToVisual.r1).toBeGreaterThan(5 * retrieval.chance.r1);
  expect(retrieval.visualToAudio.r1).toBeGreaterThan(5 * retrieval.chance.r1);
  expect(classification.joint.accuracy).toBeGreaterThan(0.8);
  expect(classification.joint.majority.accuracy).toBeCloseTo(1 / 6, 12);
  expect(classification.audio.protocol.name).toBe("linear-probe-audio-from-a-file");
});

it("leaves out clips with an empty cell, and counts them", () => {
  const holed = file.replace(/^(clip-3,[^,]+,train,)[^,]+/m, "$1");
  const input = evaluate(holed);
  expect(input.dataset).toMatchObject({ train: 89, leftOut: { "empty-cell": 1 } });
  expect(JSON.parse(reportJson(input)).retrieval.leftOut).toEqual({ "empty-cell": 1 });
  expect(reportHtml(input)).toContain("1 × empty-cell");
});

it("meets a test kind that training never saw, and a number that is none, with words", () => {
  expect(() => evaluate(file.replace("clip-99,engine", "clip-99,gong"))).toThrow(
    'clip 9 is labelled "gong", which is not among the kinds',
  );
  expect(() => evaluate(file.replace(/^(clip-90,bell,test,)[^,]+/m, "$1loud"))).toThrow("has NaN in row 0, column 0");
});
