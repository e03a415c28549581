import { afterEach, expect, it, vi } from "vitest";
import { runCommandLine } from "../command-line.js";

afterEach(() => vi.restoreAllMocks());

const media = "manifest.jsonl";

it.each([
  ...["abc", "0", "2.5", "-1", "1e9", "", "NaN"].map((n) => ["ablate", "ablation-objectives", "--plan", "--seeds", n]),
  ...["0", "101", "x"].map((n) => ["prepare", media, "--out", "none", "--quality", n]),
  ["prepare", media, "--out", "none", "--seconds", "abc"],
  ["survey", media, "--workers", "0"],
  ["search", "x.mp4", "--count", "2.5"],
  ["evaluate", "--threads", "abc"],
  ["bench", "--batch", "1.5"],
  ["bench-data", media, "--rounds", "x"],
  ["export", "--hidden", "2"],
])("%j is bad usage, in one line", async (...line: string[]) => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  expect(await runCommandLine(line)).toBe(2);
  expect(err).toMatch(new RegExp(`^error: option '${line.at(-2)} .* is invalid\\. .*\\n\\(add --help`));
});
