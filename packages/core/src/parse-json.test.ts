import { expect, it } from "vitest";
import { parseJson } from "./parse-json.js";

it.each([
  ["", "it is empty"],
  [" \n", "it is empty"],
  ['{"a": 1', "it is damaged or cut short: not valid JSON"],
  ["\u0000\u0000", "it is damaged or cut short: not valid JSON"],
  ["<!DOCTYPE html><p>", "it is a web page and not JSON"],
])("parseJson says of %j that %s", (text, what) => {
  const parts = { where: "x.json", remedy: "Fetch it again" };
  expect(() => parseJson(text, parts)).toThrow(`x.json: ${what}. Fetch it again`);
  expect(parseJson("[7]", parts)).toEqual([7]);
});
