import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { initModel } from "@kdc-mae/model";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { runCommandLine } from "../command-line.js";
import { withChanges } from "../pipeline/experiment/change.js";
import { checkExperiment } from "../pipeline/experiment/check.js";
import { named } from "../pipeline/experiment/named.js";
import { configFor } from "../pipeline/run/model-file.js";
import { saveModel } from "../pipeline/run/save-model.js";
import { indexFolder } from "../pipeline/search/index-folder.js";

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const small = { audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), embedDim: 24, heads: 4, modalityDepth: 1 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-stop-"));
  const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
  await makeSet({
    directory: at("made"),
    ffmpeg,
    counts: { train: 4, validation: 2, test: 2 },
    seed: 5,
    options: { size: 48 },
  });
  const experiment = checkExperiment(withChanges(named.demo, { name: "small-one", model: small }), "test");
  const config = configFor(experiment);
  const params = initModel(config, createRng(1));
  await saveModel(at("model.safetensors"), { config, params, experiment, statistics: { mean: -6, std: 4 } });
  await writeFile(
    at("experiment.json"),
    JSON.stringify({
      base: "demo",
      change: { model: small, data: { kind: "manifest", path: at("made", "train") }, training: { batch: 2 } },
    }),
  );
  await writeFile(
    at("tuning.json"),
    JSON.stringify({
      base: "demo-finetune",
      change: {
        data: { kind: "manifest", path: at("made", "manifest.jsonl") },
        training: { batch: 2, epochs: 1 },
        averaging: null,
      },
    }),
  );
  // An index of one clip, made with a decoder that works.
  await mkdir(at("one"));
  await copyFile(at("made", "train", "train-00000.mp4"), at("one", "clip.mp4"));
  await indexFolder(at("one"), { model: at("model.safetensors"), index: at("searched"), env: process.env });
  // It answers for its version, and then works for a minute.
  await mkdir(at("slow"));
  const program = `#!/bin/sh\ncase "$1" in -version) echo "ffmpeg version 9.9";; *) echo x > '${at("started")}'; exec sleep 60;; esac\n`;
  await writeFile(at("slow", "ffmpeg"), program);
  await chmod(at("slow", "ffmpeg"), 0o755);
  process.env.FFMPEG_PATH = at("slow", "ffmpeg");
}, 60_000);
afterAll(async () => {
  delete process.env.FFMPEG_PATH;
  await rm(folder, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

it.skipIf(process.platform === "win32").each([
  ["survey", () => ["survey", at("made", "train")]],
  ["prepare", () => ["prepare", at("made", "train"), "--out", at("set")]],
  ["pretrain", () => ["pretrain", at("experiment.json"), "--out", at("run")]],
  ["embed", () => ["embed", at("made", "train", "train-00000.mp4"), "--model", at("model.safetensors")]],
  ["finetune", () => ["finetune", at("tuning.json"), "--init", at("model.safetensors"), "--out", at("tuned")]],
  [
    "evaluate",
    () => ["evaluate", at("model.safetensors"), "--data", at("made", "manifest.jsonl"), "--out", at("evaluated")],
  ],
  [
    "evaluate --protocol",
    () => [
      ...["evaluate", at("model.safetensors"), "--data", at("made", "train")],
      ...["--protocol", "retrieval-middle-frame", "--out", at("evaluated")],
    ],
  ],
  [
    "search",
    () => [
      ...["search", at("made", "train", "train-00000.mp4"), "--model", at("model.safetensors")],
      ...["--index", at("searched")],
    ],
  ],
  ["localize", () => ["localize", at("made", "train", "train-00000.mp4"), "--model", at("model.safetensors")]],
  ["inpaint", () => ["inpaint", at("made", "train", "train-00000.mp4"), "--model", at("model.safetensors")]],
  [
    "prune",
    () => [
      ...["prune", at("model.safetensors"), "--share", "0.5", "--epochs", "1"],
      ...["--out", at("pruned"), "--media", at("media")],
    ],
  ],
  [
    "prune, training nothing",
    () => [
      ...["prune", at("model.safetensors"), "--share", "0.5", "--epochs", "0", "--out", at("thin")],
      ...["--media", at("media"), "--protocol", "retrieval-middle-frame"],
    ],
  ],
  ["distill", () => ["distill", at("model.safetensors"), "--out", at("student"), "--media", at("media")]],
  ["demo", () => ["demo", "--out", at("demo"), "--media", at("media")]],
  ["index", () => ["index", at("made", "train"), "--model", at("model.safetensors"), "--index", at("index")]],
])(
  "Ctrl-C while %s decodes ends it with 130",
  async (name, line) => {
    let said = "";
    const listen = (text: unknown) => {
      said += text;
      return true;
    };
    vi.spyOn(process.stderr, "write").mockImplementation(listen);
    vi.spyOn(process.stdout, "write").mockImplementation(listen);
    await rm(at("started"), { force: true });
    const ended = runCommandLine(line());
    for (let waited = 0; waited < 20_000 && !existsSync(at("started")); waited += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(existsSync(at("started")), said).toBe(true);
    process.emit("SIGINT");
    const code = await ended;
    expect(code ?? process.exitCode, said).toBe(130);
    process.exitCode = undefined;
    const goesOn = ["prepare", "pretrain", "finetune", "index", "prune", "distill", "demo"].includes(name);
    expect(said).toContain(goesOn ? "stopped; the same command goes on from here" : "stopped\n");
    expect(said.includes("goes on from here")).toBe(goesOn);
  },
  60_000,
);

it.skipIf(process.platform === "win32")("Ctrl-C ends a stream with the windows there were, and 130", async () => {
  let [said, printed] = ["", ""];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    if (printed === "") process.emit("SIGINT");
    printed += text;
    return true;
  });
  const slow = process.env.FFMPEG_PATH;
  delete process.env.FFMPEG_PATH;
  const film = at("made", "train", "train-00000.mp4");
  const line = ["stream", film, "--model", at("model.safetensors"), "--hop", "0.05", "--paced"];
  const code = await runCommandLine(line).finally(() => {
    process.env.FFMPEG_PATH = slow;
  });
  expect(code ?? process.exitCode, said).toBe(130);
  process.exitCode = undefined;
  const lines = printed.trim().split("\n");
  for (const one of lines) expect(one).toMatch(/ {2}computed in \d+ ms$/);
  expect(said).toContain(`\n${lines.length} ${lines.length === 1 ? "window" : "windows"}; stopped\n`);
  expect(said).not.toContain("goes on from here");
});
