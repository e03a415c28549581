import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { createPipesDecoder, locateFfmpeg, makeSet, openManifest, prepare } from "@kdc-mae/data/node";
import { protocolRecords } from "@kdc-mae/eval";
import { initClassifier, initModel } from "@kdc-mae/model";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { checkExperiment } from "../pipeline/experiment/check.js";
import { named } from "../pipeline/experiment/named.js";
import { config, statistics, tinyWith } from "../pipeline/finetune/made-clips.test.support.js";
import { saveClassifier } from "../pipeline/run/save-classifier.js";
import { saveModel } from "../pipeline/run/save-model.js";
import { addEvaluateCommand } from "./evaluate.js";
import { addFinetuneCommand } from "./finetune.js";

// Real media and a dozen compiled programs: seconds on a free machine, minutes on a busy one.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-evaluate-"));
  const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
  const counts = { train: 10, validation: 4, test: 5 };
  const set = { directory: at("media"), ffmpeg, counts, seed: 3, options: { size: 64, kinds: ["bell", "drum"] } };
  await makeSet(set as Parameters<typeof makeSet>[0]);
  const manifest = await openManifest(at("media/manifest.jsonl"));
  await prepare({
    ...{ manifest, out: at("shards"), decoder: createPipesDecoder(ffmpeg), workers: 2 },
    content: {
      ...{ clipsPerShard: 8, size: 48, frames: { count: 2, limit: 0.96 }, seconds: 1.06 },
      pictures: { kind: "ppm" },
    },
  });
  const experiment = checkExperiment(
    { ...named.demo, data: { kind: "manifest", path: at("media/manifest.jsonl") }, visual: { framesPerClip: 2 } },
    "test",
  );
  await saveModel(at("model.safetensors"), { config, statistics, experiment, params: initModel(config, createRng(1)) });
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs a command line and returns what it prints. */
async function printed(...line: string[]): Promise<string> {
  const program = new Command().exitOverride();
  addEvaluateCommand(program);
  addFinetuneCommand(program);
  let out = "";
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  await program.parseAsync(line, { from: "user" });
  return out;
}

it("lists every protocol in full", async () => {
  const list = await printed("evaluate", "--list");
  expect(list).toContain("protocol: classification-10-frames\ntask: classification\nframes: every frame");
  const names = [...list.matchAll(/^protocol: (.+)$/gm)].map(([, name]) => name);
  expect(names).toEqual(protocolRecords.map(({ protocol }) => protocol.name));
  expect(new Set(names).size).toBeGreaterThan(40);
});

const pretrainedNames = [
  "linear-probe-joint",
  "retrieval-five-per-class",
  "inpainting-frequency-50",
  "localization-ez-vsl",
];
const asked = (names: readonly string[]) => names.flatMap((name) => ["--protocol", name]);

it("evaluates from a manifest and from shards alike, and writes text, JSON, Markdown and a page", async () => {
  const model = at("model.safetensors");
  const fromManifest = JSON.parse(
    await printed("evaluate", model, ...asked(pretrainedNames), "--json", "--out", at("a")),
  );
  const line = ["evaluate", model, ...asked(pretrainedNames), "--data", at("shards"), "--out", at("b")];
  const fromShards = JSON.parse(await printed(...line, "--json"));
  // The same pictures and sounds either way; the order of clips, which retrieval draws by, is the manifest's in both.
  expect(fromShards.results).toEqual(fromManifest.results);
  expect(await printed(...line, "--json")).toBe(await readFile(at("b/protocols.json"), "utf8"));
  expect(fromShards.about.data).toBe(at("shards"));
  const text = await printed(...line);
  expect(text).toContain("protocol: inpainting-frequency-50\n");
  expect(text).toContain("5 clips evaluated; left out: none");
  expect(await readFile(at("b/protocols.md"), "utf8")).toContain("### Confusion: true class by row");
  expect(await readFile(at("b/protocols.html"), "utf8")).toContain('<h2 id="retrieval-five-per-class">');
});

it("finds the clips of a manifest that lies elsewhere below --media-root", async () => {
  const manifest = at("list.jsonl");
  await copyFile(at("media/manifest.jsonl"), manifest);
  const line = ["evaluate", at("model.safetensors"), ...asked(["retrieval-middle-frame"]), "--data", manifest];
  await expect(printed(...line, "--out", at("c"))).rejects.toThrow("no clip of the test split could be used");
  const text = await printed(...line, "--media-root", at("media"), "--out", at("c"));
  expect(text).toContain("5 clips evaluated; left out: none");
});

it("fine-tunes from shards, then evaluates what it made", async () => {
  const data = JSON.stringify({ kind: "shards", path: at("shards"), workers: 1 });
  const settings = [
    `data=${data}`,
    "training.batch=5",
    "training.epochs=2",
    "averaging=null",
    "audio.specAugment.time=11",
  ];
  const out = await printed(
    ...["finetune", "demo-finetune", "--init", at("model.safetensors"), "--out", at("run")],
    ...settings.flatMap((setting) => ["--set", setting]),
  );
  expect(out).toMatch(
    /^accuracy on the \d+ validation clips: best \d+\.\d % \(epoch [12], chosen on these clips\), last/,
  );
  const best = at("run/best.safetensors");
  const text = await printed("evaluate", best, ...asked(["classification-10-frames", "classification-missing-audio"]));
  expect(text).toContain("5 clips evaluated");
  expect(text).toContain("mode: model fine-tuned on both, given no audio");
  await expect(printed("evaluate", best)).rejects.toThrow(
    "it is a fine-tuned classifier, which has no decoder any more. Give the pretrained model.safetensors, or evaluate the classifier under a protocol: --protocol NAME",
  );
});

it("evaluates a classifier on lists without splits, by mids and with a media root, its own or given", async () => {
  const media = (await readFile(at("media/manifest.jsonl"), "utf8")).trim().split("\n");
  const rows = media.map((line) => JSON.parse(line) as { path: string; labels: string[]; split: string });
  await mkdir(at("videos"));
  const list = async (name: string, split: string) => {
    const mids: string[] = [];
    for (const [index, { path, labels }] of rows.filter((row) => row.split === split).entries()) {
      await copyFile(at(join("media", path)), at(`videos/${split}${index}_000000.mp4`));
      mids.push(`${split}${index}, 0.000, 1.000, "${labels[0] === "bell" ? "/m/0a" : "/m/0b"}"`);
    }
    await writeFile(at(name), `# YTID, start_seconds, end_seconds, positive_labels\n${mids.join("\n")}\n`);
    return `{"kind":"manifest","path":"${at(name)}","mediaRoot":"${at("videos")}"}`;
  };
  await writeFile(at("classes.csv"), 'index,mid,display_name\n0,/m/0a,"Bell, church"\n1,/m/0b,Drum\n');
  const settings = [
    `data=${await list("train.csv", "train")}`,
    `evaluation={"split":"test","data":${await list("eval.csv", "test")}}`,
    `classes=${at("classes.csv")}`,
    "loss.kind=binary-cross-entropy",
    ...["training.batch=5", "training.epochs=1", "averaging=null", "audio.specAugment.time=11"],
  ];
  await printed(
    ...["finetune", "demo-finetune", "--init", at("model.safetensors"), "--out", at("lists")],
    ...settings.flatMap((setting) => ["--set", setting]),
  );
  const line = ["evaluate", at("lists/model.safetensors"), ...asked(["classification-middle-frame"]), "--json"];
  const own = JSON.parse(await printed(...line));
  expect(own.results[0].evaluated).toBe(5);
  const given = ["--data", at("eval.csv"), "--media-root", at("videos")];
  expect(JSON.parse(await printed(...line, ...given)).results).toEqual(own.results);
  expect(JSON.parse(await printed(...line, ...given, "--classes", at("classes.csv"))).results).toEqual(own.results);
  await expect(printed(...line, "--media-root", at("videos"))).rejects.toThrow("no --data is given");
});

it("says in words what does not fit", async () => {
  const strange = at("strange.safetensors");
  await saveClassifier(strange, {
    ...{ config, statistics, classes: ["horn", "siren"], experiment: tinyWith({}), weights: "none" },
    params: initClassifier(config, 2, createRng(1)),
  });
  const line = ["evaluate", strange, ...asked(["classification-middle-frame"]), "--data", at("shards")];
  await expect(printed(...line)).rejects.toThrow(
    /test clips: labels that are none of the 2 classes: \w+.*; the classes are horn, siren/,
  );
  await expect(printed("evaluate", strange, ...asked(["retrieval"]))).rejects.toThrow("there is no protocol named");
  await expect(
    printed(
      "finetune",
      "demo-finetune",
      "--init",
      at("model.safetensors"),
      "--set",
      "model.preset=tiny",
      "--out",
      at("x"),
    ),
  ).rejects.toThrow(/it is of another size than the experiment: embedDim is 24, not 64/);
});

it("--by a column of one value: the figures are written, and the exit code is 1", async () => {
  const line = ["evaluate", at("model.safetensors"), "--protocol", "retrieval-middle-frame", "--by", "split", "--json"];
  const { results, failed } = JSON.parse(await printed(...line, "--out", at("one-group")));
  expect(process.exitCode).toBe(1);
  process.exitCode = undefined;
  const message = expect.stringContaining("groups by split: one group alone has two clips or more: test (5)");
  expect(failed).toEqual([{ protocol: "retrieval-middle-frame", message }]);
  expect([results.length, results[0].figures.length > 0, results[0].groups]).toEqual([1, true, undefined]);
  expect(JSON.parse(await readFile(at("one-group/protocols.json"), "utf8"))).toMatchObject({ results, failed });
});
