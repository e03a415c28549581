import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRng } from "@kdc-mae/core";
import { initModel } from "@kdc-mae/model";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { runCommandLine } from "../command-line.js";
import { loadExperiment } from "../pipeline/experiment/load.js";
import { configFor } from "../pipeline/run/model-file.js";
import { saveModel } from "../pipeline/run/save-model.js";
import { commandNames } from "./command-names.test.support.js";
import { lacking, wrongLines } from "./exit-codes.test.support.js";

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
  ["classify", "x.mp4", "--count", "0"],
  ...["2-", "1", "a-b", "1-2-3"].map((time) => ["inpaint", "x.mp4", "--time", time]),
  ...["1,2,3", "1,2,3,x", "-1,2,3,4"].map((box) => ["inpaint", "x.mp4", "--rectangle", box]),
  ...["0", "1", "x"].map((share) => ["inpaint", "x.mp4", "--hide", share]),
  ["localize", "x.mp4", "--every", "0"],
  ...["-0.1", "1.1", "", "x"].map((share) => ["stream", "x.mp4", "--picture-at", share]),
  ...["-0.1", "1", "", "x"].map((share) => ["prune", "model", "--share", share]),
  ...["-1", "1.5", "", "x"].map((epochs) => ["prune", "model", "--epochs", epochs]),
])("%j is bad usage, in one line", async (...line: string[]) => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  expect(await runCommandLine(line)).toBe(2);
  expect(err).toMatch(new RegExp(`^error: option '${line.at(-2)} .* is invalid\\. .*\\n\\(--help lists`));
});

it.each([
  [["evaluate", "m", "--split", "train"], "--split: only protocols read it"],
  [["evaluate", "m", "--denormalize"], "--denormalize: only protocols read it"],
  [
    ["evaluate", "m", "--protocol", "retrieval-middle-frame", "--denormalize"],
    "--denormalize: only inpainting protocols read it",
  ],
  [["evaluate", "--list", "--json"], "--json: --list prints the protocols and evaluates nothing"],
  [
    ["evaluate", "m", "--data", "x.csv", "--media", "made"],
    "--media: it says where synthetic clips are kept, and --data names",
  ],
  [["evaluate", "m", "--classes", "c.csv"], "--classes: it says how --data is read, and no --data is given"],
  [["prepare", media, "--out", "none", "--pictures", "ppm", "--quality", "80"], "--quality: only JPEG pictures have"],
  [["bench", "--engines", "compiled", "--python", "py"], "--python: only the engine pytorch uses it"],
  [
    ["pretrain", "kdc-mae-base", "--set", "data.path=x.csv", "--media", "made", "--out", "none"],
    "--media made: it says where synthetic clips are kept, and this data set is not synthetic",
  ],
  [["pretrain", "demo", "--dry-run", "--tensorboard"], "--tensorboard: nothing is trained where --dry-run"],
  [["pretrain", "demo", "--dry-run", "--stop-on-collapse"], "--stop-on-collapse: nothing is trained where"],
  [["pretrain", "demo", "--dry-run", "--verify"], "--verify: nothing is trained where"],
  [["watch", "none", "--out", "none", "--port", "1"], "--port: a page written to a file is not served"],
  [["push", "none", "hf://me"], "hf://me: it is not the address of a model on a hub"],
  [["localize", "x.mp4", "--size", "100"], "--size: only what is written uses it"],
  [["inpaint", "x.mp4", "--every", "1"], "--every: only a film uses it"],
  [["inpaint", "x.mp4", "--time", "1-2", "--seed", "3"], "--seed: nothing is drawn where a time or a rectangle"],
  [["embed", "x.mp4", "--backend", "cpu"], "--backend cpu: only the eager engine uses it"],
] as const)("%j: an option that is not read is bad usage", async (line, words) => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  expect(await runCommandLine([...line])).toBe(2);
  expect(err).toContain(words);
  expect(existsSync("none")).toBe(false);
});

it("of a value that is given twice it is said which counts, of a list nothing", async () => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  const line = ["pretrain", "nosuch", "--set", "seed=1", "--set", "seed=2", "--out", "a", "--out", "a", "--out", "b"];
  expect(await runCommandLine(line)).toBe(2);
  expect(err).toMatch(/^--out is given more than once: b counts, a does not\nexperiment: "nosuch" is neither/);
});

let folder = "";
let model = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-options-"));
  const experiment = await loadExperiment("demo", [
    { model: { embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2, visualLocality: [0, 1] } },
  ]);
  const config = configFor(experiment);
  model = join(folder, "model.safetensors");
  const params = initModel(config, createRng(1));
  await saveModel(model, { config, params, experiment, statistics: { mean: -6, std: 4 } });
});
afterAll(() => rm(folder, { recursive: true }));

it("what cannot be written is refused before anything is read", async () => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  await writeFile(join(folder, "file"), "");
  const [below, none] = [join(folder, "file/out"), join(folder, "none")];
  const lines = [
    ["prepare", none, "--out", below],
    ["survey", none, "--clean", below],
    ["evaluate", none, "--out", below],
    ["export", model, "--out", below],
    ["convert", none, below],
    ["card", none, "--out", below],
    ["watch", none, "--out", below],
    ["pretrain", "demo", "--out", below],
    ["finetune", "demo-finetune", "--init", model, "--set", "model=null", "--out", below],
    ["ablate", "ablation-objectives", "--out", below],
    ["demo", "--out", below],
    ["embed", none, "--model", model, "--out", below],
    ["index", folder, "--model", model, "--index", below],
    ["search", none, "--model", model, "--index", none, "--html", below],
    ["classify", none, "--model", model, "--html", below],
    ["localize", none, "--model", model, "--out", below],
    ["localize", none, "--model", model, "--pictures", below],
    ["inpaint", none, "--model", model, "--out", below],
    ["inpaint", none, "--model", model, "--sound", below],
    ["inpaint", none, "--model", model, "--pictures", below],
    ["prune", model, "--out", below],
    ["distill", model, "--out", below],
  ];
  for (const line of lines) {
    err = "";
    expect([line[0], await runCommandLine(line)]).toEqual([line[0], 1]);
    expect([line[0], err]).toEqual([line[0], expect.stringMatching(/(^|\n)write .*file.*: .*\n$/)]);
  }
  // A folder has the name of a file that would be written.
  err = "";
  expect(await runCommandLine(["survey", none, "--clean", folder])).toBe(1);
  expect(err).toBe(`write ${folder}: it is a folder, not a file. Give a file\n`);
}, 60_000);

it("what is wrong by itself exits with 2, what is not there, of another kind or does not fit with 1", async () => {
  let said = "";
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  const [text, empty] = [join(folder, "notes.mp4"), join(folder, "empty")];
  await writeFile(text, "no film");
  await mkdir(empty);
  const named = { model, text, folder: empty, none: join(folder, "none") };
  const codeOf = async (line: readonly string[]) => {
    said = "";
    process.exitCode = undefined;
    const code = (await runCommandLine(line)) ?? process.exitCode;
    process.exitCode = undefined;
    expect([line, said]).toEqual([line, expect.stringMatching(/\S/)]);
    expect([line, said]).toEqual([line, expect.not.stringMatching(/^ +at /m)]);
    return code;
  };
  const given = async (lines: readonly (readonly string[])[]) => {
    const codes: (readonly [string, unknown])[] = [];
    for (const line of lines) codes.push([line.join(" "), await codeOf(line)]);
    return codes;
  };
  const all = (await commandNames()).map((name) => [name, "--nosuch"]);
  expect(all.length).toBeGreaterThan(25);
  for (const [lines, code] of [[[...all, ...wrongLines(named)], 2] as const, [lacking(named), 1] as const]) {
    expect(await given(lines)).toEqual(lines.map((line) => [line.join(" "), code]));
  }
}, 120_000);

it("a graph that the model cannot give is refused before another is written", async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const onnx = join(folder, "both");
  expect(await runCommandLine(["export", model, "--graphs", "encoder,classifier", "--out", onnx])).toBe(1);
  expect(existsSync(onnx)).toBe(false);
});

it("an option that one graph or one kind of data alone reads is bad usage elsewhere, and nothing is written", async () => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  const [onnx, out] = [join(folder, "onnx"), join(folder, "ablation")];
  const unread = [
    [["export", model, "--graphs", "encoder", "--hidden", "0.5", "--out", onnx], "--hidden: only the inpainting graph"],
    [["export", model, "--graphs", "retrieval", "--mode", "audio-only", "--out", onnx], "--mode: only the classifier"],
    [
      [
        "ablate",
        "ablation-objectives",
        "--set",
        'data={"kind":"manifest","path":"x.csv"}',
        "--media",
        "made",
        "--out",
        out,
      ],
      "--media made: it says where synthetic clips are kept, and this data set is not synthetic",
    ],
  ] as const;
  for (const [line, words] of unread) {
    err = "";
    expect([await runCommandLine([...line]), line]).toEqual([2, line]);
    expect(err).toContain(words);
  }
  expect(readdirSync(folder).filter((name) => name === "onnx")).toEqual([]);
  // The same options where they are read.
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  expect(await runCommandLine(["export", model, "--graphs", "inpainting", "--hidden", "0.5", "--out", onnx])).toBe(
    undefined,
  );
  expect(readdirSync(onnx).length).toBe(1);
}, 60_000);

it("shows what was typed, and lets none of it act on the terminal", async () => {
  let err = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  expect(await runCommandLine(["evaluate", "--\u001b[31mred"])).toBe(2);
  expect(await runCommandLine(["evaluate", "no\u009b2J.safetensors"])).toBe(1);
  expect(err).toContain("--\\u001b[31mred");
  expect(err).toContain("no\\u009b2J.safetensors");
  for (const acting of ["\u001b", "\u009b"]) expect(err).not.toContain(acting);
});

it("everything that commands write goes through print and remark", () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  for (const file of readdirSync(folder).filter((name) => /^[^.]+\.ts$/.test(name))) {
    expect([file, readFileSync(join(folder, file), "utf8").match(/process\.std(out|err)\.write|console\./)]).toEqual([
      file,
      null,
    ]);
  }
});

it.each(["distill", "prune"])(
  "%s, which takes its model as it is, names no option for it where there is none",
  async (name) => {
    let said = "";
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += text;
      return true;
    });
    expect(await runCommandLine([name, "none.safetensors"])).toBe(1);
    expect(said).toContain("there is no model none.safetensors");
    expect(said).not.toContain("--model");
  },
);
