import { describe, expect, it } from "vitest";
import { checkHouse } from "./made-house.test.support.js";

const entries = { exports: { ".": { default: "./dist/index.js" }, "./node": { default: "./dist/node.js" } } };
const sound = {
  "packages/data/package.json": JSON.stringify(entries),
  "packages/data/src/index.ts": 'export { a } from "./a.js";',
  "packages/data/src/a.ts": "export const a = 1;",
  "packages/data/src/node.ts": 'import { readFile } from "node:fs";\nexport { readFile };',
};

const check = (files: Readonly<Record<string, string>>) => checkHouse("check-arrows.mjs", files);

describe("check-arrows", () => {
  it("lets a sound house pass", () => expect(check(sound)).toMatchObject({ ok: true }));

  it.each([
    ["Node behind a browser's entry", "a.ts", 'import os from "os";\nexport const a = os;', "a.ts → os: the entry"],
    ["a native library there", "a.ts", 'export { default as a } from "sharp";', "a.ts → sharp: the entry"],
    ["a sibling", "a.ts", 'export { a } from "@kdc-mae/model";', "imports its sibling @kdc-mae/model"],
    ["a tensor library", "a.ts", 'export { add as a } from "@tensorflow/tfjs-core";', "which only model, losses"],
    ["a circle of types", "a.ts", 'import type { B } from "./index.js";\nexport const a: B = 1;', "in a circle"],
    ["the clock", "a.ts", "export const a = Date.now();", "touches the console, the clock"],
  ])("refuses %s", (_, file, text, complaint) => {
    const { ok, said } = check({ ...sound, [`packages/data/src/${file}`]: text });
    expect({ ok, said }).toEqual({ ok: false, said: expect.stringContaining(complaint) });
  });

  it("lets types of a Node file be named by a browser's entry", () => {
    const text = 'import type { readFile } from "node:fs";\nexport const a: typeof readFile | undefined = undefined;';
    expect(check({ ...sound, "packages/data/src/a.ts": text })).toMatchObject({ ok: true });
  });

  it("refuses a floor that reaches up", () => {
    const { ok, said } = check({
      ...sound,
      "apps/trainer/src/pipeline/run.ts": 'import { bar } from "../terminal/bar.js";\nexport const run = bar;',
      "apps/trainer/package.json": JSON.stringify({ exports: {} }),
      "apps/trainer/src/terminal/bar.ts": "export const bar = 1;",
    });
    expect({ ok, said }).toEqual({ ok: false, said: expect.stringContaining("reaches up to") });
  });
});
