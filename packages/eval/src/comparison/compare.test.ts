import { describe, expect, it } from "vitest";
import { findProtocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { type ArmRun, type ComparisonInput, compareArms } from "./compare.js";
import { comparisonCsv } from "./comparison-csv.js";
import { comparisonHtml } from "./comparison-html.js";
import { comparisonMarkdown } from "./comparison-markdown.js";

const cost = { pretrainSeconds: 61.3, evaluateSeconds: 4.25, steps: 1440, clipViews: 92160, flop: 3.4e13 };
/** A run with 20 clips, `hits` of them right, and an error without scores by clip. */
const run = (seed: number, hits: number, error: number): ArmRun => ({
  seed,
  cost,
  figures: {
    r1: {
      value: hits / 20,
      baseline: 0.05,
      clips: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, i < hits ? 1 : 0])),
    },
    error: { value: error, baseline: 0.9 },
  },
});
const input: ComparisonInput = {
  title: "Two arms",
  settings: [["command", "kdc-mae ablate two.ts"]],
  seeds: [0, 1, 2],
  figures: [
    {
      ...{ key: "r1", name: "R@1 sound → picture", kind: "share", better: "higher" },
      protocol: findProtocol(protocols, "retrieval-middle-frame"),
      ...{ evaluated: 20, leftOut: { undecodable: 2 }, baseline: "chance, 1 of 20" },
    },
    {
      ...{ key: "error", name: "error", kind: "error", better: "lower" },
      protocol: findProtocol(protocols, "inpainting-random-75"),
      ...{ evaluated: 20, leftOut: {}, baseline: "mean fill" },
    },
  ],
  arms: [
    { name: "a", about: "the base", runs: [run(0, 2, 0.5), run(1, 4, 0.6), run(2, 3, 0.7)] },
    { name: "b", about: 'contrast "on", <b>', runs: [run(0, 12, 0.4), run(1, 13, 0.5), run(2, 14, 0.55)] },
  ],
  tables: [{ title: "Equal steps", arms: ["a", "b"] }],
};

describe("compareArms", () => {
  const comparison = compareArms(input);
  const [{ rows, baselines, family }] = comparison.tables;

  it("gives means, intervals and differences as counted by hand", () => {
    // a: 0.10, 0.20, 0.15: mean 0.15, s 0.05, ± 4.302653·0.05/√3 = 0.124207.
    expect(rows[0].figures.r1.mean).toBeCloseTo(0.15, 12);
    expect(rows[0].figures.r1.half).toBeCloseTo(0.124207, 5);
    expect(rows[0].figures.r1.difference).toBeUndefined();
    // b − a by seed: 0.50, 0.45, 0.55: mean 0.5, s 0.05.
    const { difference } = rows[1].figures.r1;
    expect(difference?.overSeeds.mean).toBeCloseTo(0.5, 12);
    expect(difference?.overSeeds.half).toBeCloseTo(0.124207, 5);
    // 12 of 20 clips differ (the 3rd to the 14th), all the same way: of 10,000 seeded flips few are as far.
    expect(difference).toMatchObject({ unit: "clips", pairs: 20 });
    expect(difference?.p).toBeLessThan(0.002);
    expect(baselines).toEqual({ r1: expect.closeTo(0.05, 12), error: expect.closeTo(0.9, 12) });
  });

  it("pairs seeds where there are no scores by clip, and adjusts over the table", () => {
    const { difference } = rows[1].figures.error;
    expect(difference).toMatchObject({ unit: "seeds", pairs: 3, p: 0.25, adjustedP: 0.25 });
    expect(family).toBe(2);
    const { difference: first } = rows[1].figures.r1;
    expect(first?.adjustedP).toBeCloseTo(2 * (first?.p ?? 0), 12);
  });

  it("counts runs that are missing, and compares what there is", () => {
    const [one, other] = input.arms;
    const partial = compareArms({ ...input, arms: [one, { ...other, runs: other.runs.slice(1, 2) }] });
    expect(partial.missing).toBe(2);
    expect(partial.tables[0].rows[1].figures.r1).toMatchObject({ mean: 0.65, half: null, n: 1 });
    expect(comparisonMarkdown(partial)).toContain("2 runs are not finished: the table");
    const nearly = compareArms({ ...input, arms: [one, { ...other, runs: other.runs.slice(1) }] });
    expect(comparisonMarkdown(nearly)).toContain("1 run is not finished: the table");
    const none = compareArms({ ...input, arms: [one, { ...other, runs: [] }] });
    expect(none.tables[0].rows[1].figures).toEqual({});
    expect(comparisonMarkdown(none)).toContain("| b | 0 | – | – |");
  });

  it("says how small p can be where clips are parts of few recordings, and how many those are", () => {
    const recordings = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, `film ${i % 4}`]));
    const arms = input.arms.map((arm) => ({ ...arm, runs: arm.runs.map((one) => ({ ...one, recordings })) }));
    const byRecording = compareArms({ ...input, arms });
    // All four differ the same way: of 2⁴ flips two are as far.
    const { difference } = byRecording.tables[0].rows[1].figures.r1;
    expect(difference).toMatchObject({ unit: "clips", pairs: 20, recordings: 4, p: 0.125 });
    expect(comparisonMarkdown(byRecording)).toContain(
      "With 4 recordings it cannot go below 0.13, however many clips they have, whatever they show.",
    );
    const [head, ...lines] = comparisonCsv(byRecording).split("\n");
    const column = head.split(",").indexOf("p_recordings");
    const cells = lines.map((line) => line.split(","));
    expect(cells.find(([, arm, figure]) => arm.startsWith("b") && figure.startsWith("R@1"))?.[column]).toBe("4");
    expect(comparisonMarkdown(comparison)).not.toContain("recordings");
  });

  it("refuses a table of an arm that is not there", () => {
    expect(() => compareArms({ ...input, tables: [{ title: "", arms: ["a", "c"] }] })).toThrow(
      'a table names the arm "c", which is not there. Use one of a, b',
    );
  });

  it("writes Markdown with mean, interval, baseline, p of both units and N", () => {
    const text = comparisonMarkdown(comparison);
    expect(text).toContain("| a | 3 | 15.0 ± 12.4 % | 0.600 ± 0.248 |");
    expect(text).toContain("| baseline |  | 5.0 % | 0.900 |");
    expect(text).toContain("| b | +50.0 ± 12.4 pp, p < 0.001† (0.25) | −0.117 ± 0.072, p 0.25 |");
    expect(text).toContain("| R@1 sound → picture | retrieval-middle-frame | 20 | 2 × undecodable | chance, 1 of 20 |");
    expect(text).toContain("| b | 61 s | 4.3 s | 1,440 | 92,160 | 34.0 TFLOP |");
    expect(text).toContain("cannot go below 0.25");
  });

  it("writes CSV that keeps whole numbers and quotes what must be quoted", () => {
    const quoted = compareArms({ ...input, tables: [{ title: 'Equal, "steps"', arms: ["a", "b"] }] });
    const lines = comparisonCsv(quoted).trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 2 * (2 + 5));
    const head = lines[0].split(",");
    const cells = lines[8].replace('"Equal, ""steps"""', "title").split(",");
    expect(lines[8].startsWith('"Equal, ""steps""",b,')).toBe(true);
    expect(Number(cells[head.indexOf("difference")])).toBeCloseTo(0.5, 12);
    expect(cells[head.indexOf("p_pairs_of")]).toBe("clips");
    expect(cells).toHaveLength(head.length);
  });

  it("lets no name compute in a spreadsheet, be markup in Markdown, or act on a terminal", () => {
    const names = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "<img src=x>", "a\u001b[31m\n# b", "&lt;b&gt;"];
    const hostile = compareArms({
      ...input,
      title: "<script>",
      arms: names.map((name) => ({ name, about: name, runs: input.arms[0].runs })),
      tables: [{ title: "<i>", arms: names }],
    });
    const cells = comparisonCsv(hostile).split("\n").slice(1);
    expect(cells.filter((line) => /(^|,)"?[=+@]/.test(line))).toEqual([]);
    expect(comparisonCsv(hostile)).toContain(`"'=HYPERLINK(""http://x"")"`);
    // Numbers stay numbers.
    expect(comparisonCsv(compareArms(input))).toMatch(/,-0\.1166/);
    const text = comparisonMarkdown(hostile);
    expect(text).not.toMatch(/(^|[^\\])<(script|img|i>)|^# b/m);
    expect(text).not.toContain("\u001b");
    expect(text).toContain("\\&lt;b\\&gt;");
  });

  it("writes a page that escapes what it is given and asks for nothing", () => {
    const page = comparisonHtml(comparison);
    expect(page).toContain("contrast &quot;on&quot;, &lt;b&gt;");
    expect(page).toContain("<small>10.0 · 20.0 · 15.0</small>");
    expect(page).not.toMatch(/https?:/);
  });
});
