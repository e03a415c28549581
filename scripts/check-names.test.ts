import { describe, expect, it } from "vitest";
import { checkHouse } from "./made-house.test.support.js";

const entries = JSON.stringify({ name: "@house/data", exports: { ".": { default: "./dist/index.js" } } });
const house = {
  "packages/data/package.json": entries,
  "packages/data/src/index.ts": 'export { type Clip, cut as cutClip } from "./clip.js";\nexport * from "./fit.js";',
  "packages/data/src/clip.ts": "export type Clip = { id: string };\nexport const cut = (clip: Clip) => clip;",
  "packages/data/src/fit.ts": "const fit = 1;\nexport { fit };",
  "packages/eval/package.json": entries.replace("data", "eval"),
  "packages/eval/src/index.ts": "export const score = 1;",
};
const within = (path: string, text: string) =>
  checkHouse("check-names.mjs", { ...house, [`packages/eval/src/${path}`]: text });

describe("check-names", () => {
  it("lets a sound house pass, and two rooms' own words that no entry exports", () => {
    expect(checkHouse("check-names.mjs", house)).toMatchObject({
      ok: true,
      said: expect.stringContaining("4 exported"),
    });
    expect(within("own.ts", "export const cut = 1;")).toMatchObject({ ok: true });
  });

  it.each([
    ['import { cutClip, fit } from "@house/data";', undefined],
    ['import { cut } from "../packages/data/dist/clip.js";', undefined],
    ['import { cut } from "@house/data";', "scripts/one.mjs: imports cut, which @house/data does not export"],
    [
      'import { a as cut } from "../packages/data/dist/clip.js";',
      "imports a, which ../packages/data/dist/clip.js does",
    ],
  ])("reads what a script imports: %s", (text, complaint) => {
    const { ok, said } = checkHouse("check-names.mjs", { ...house, "scripts/one.mjs": text });
    expect(said).toContain(complaint ?? "4 exported");
    expect(ok).toBe(complaint === undefined);
  });

  it.each([
    ["an exported type again", "own.ts", "export type Clip = number;", "Clip: exported from packages/data/src/clip.ts"],
    ["a name exported as another", "own.ts", "export const cutClip = 1;", "cutClip: exported from"],
    ["a name that a star exports", "own.ts", "export function fit() {}", "fit: exported from packages/data/src/fit.ts"],
    ["a word of the language", "own.ts", "export type Pick = 1;", "Pick is a word of the language"],
    ["a cast to never", "own.ts", "export const one = 1 as never;", "casts to never; say the type"],
  ])("refuses %s", (_, path, text, complaint) => {
    const { ok, said } = within(path, text);
    expect(said).toContain(complaint);
    expect(ok).toBe(false);
  });
});
