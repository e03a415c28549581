import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { initModel } from "@kdc-mae/model";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { explore } from "../explore/open-explorer.js";
import { exportGraphs } from "../export/export-graphs.js";
import { EVENTS } from "../log/events-file.js";
import { configFor } from "../run/model-file.js";
import { readSaved } from "../run/read-saved.js";
import { saveModel } from "../run/save-model.js";
import { runCard } from "./card.js";
import { pull, push } from "./hub.js";
import { type LocalHub, localHub } from "./hub.test.support.js";
import { hubAddress } from "./hub-address.js";

const experiment = checkExperiment(
  {
    ...named.demo,
    name: "shared",
    model: {
      ...{ preset: "tiny", embedDim: 12, heads: 3, modalityDepth: 1, jointDepth: 1 },
      ...{ decoderDim: 8, decoderHeads: 2, decoderDepth: 1 },
      audio: { rows: 2, columns: 2, patch: 4, channels: 1 },
      visual: { rows: 2, columns: 2, patch: 4, channels: 3 },
    },
  },
  "share.test.ts",
);
const digest = (clips: number) => ({ clips, ids: "ab", labels: "cd", splits: "", order: "" });
const interval = { low: 0.25, high: 0.75, level: 0.95, resamples: 1000 };

let root = "";
let run = "";
let hub: LocalHub;
const env = () => ({ HF_ENDPOINT: hub.url, HF_TOKEN: "hf_secret", HF_HOME: join(root, "home") });
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-share-"));
  run = join(root, "run");
  await mkdir(join(run, "evaluation"), { recursive: true });
  const params = initModel(configFor(experiment), createRng(1));
  await saveModel(join(run, "model.safetensors"), {
    ...{ config: configFor(experiment), params, statistics: { mean: 1, std: 2 }, experiment },
  });
  await writeFile(join(run, "experiment.json"), JSON.stringify(experiment));
  const entry = (epoch: number) => ({ epoch, step: 40 * (epoch + 1), learningRate: 1, seconds: 1800, losses: {} });
  await writeFile(join(run, "log.jsonl"), [0, 1].map((epoch) => `${JSON.stringify(entry(epoch))}\n`).join(""));
  const records = [
    {
      kind: "begin",
      step: 0,
      machine: "a | machine",
      on: "WebGPU, a card",
      data: { named: digest(1568), fitted: digest(1280) },
    },
    { kind: "epoch", step: 40, entry: entry(0), joules: 1.8e6 },
    {
      kind: "begin",
      step: 40,
      machine: "a | machine",
      on: "ONNX Runtime, cpu",
      data: { named: digest(1568), fitted: digest(1280) },
    },
    { kind: "probe", step: 60 },
    { kind: "warning", step: 70, sign: "rank", what: "few directions <b>" },
    { kind: "epoch", step: 80, entry: entry(1), joules: 1.8e6 },
  ];
  await writeFile(join(run, EVENTS), records.map((record) => `${JSON.stringify({ time: 1, ...record })}\n`).join(""));
  const section = {
    protocol: { name: "retrieval-middle-frame" },
    ...{ evaluated: 192, leftOut: {}, tables: [], warnings: ["a small gallery"] },
    figures: [
      {
        ...{ name: "R@1", kind: "share", value: 0.5, interval, baseline: { name: "chance", value: 1 / 192 } },
        over: { unit: "queries", count: 192 },
      },
      { name: "nothing", kind: "share", value: null },
    ],
  };
  await writeFile(
    join(run, "evaluation", "protocols.json"),
    JSON.stringify({ title: "x", about: {}, results: [section] }),
  );
  await writeFile(join(run, "audio.onnx"), "graph");
  await writeFile(join(run, "state.safetensors"), "not shared");
});
afterAll(() => rm(root, { recursive: true }));
beforeAll(async () => {
  hub = await localHub();
});
afterAll(() => hub.close());
afterEach(() => hub.instead.clear());

describe("a card", () => {
  it("has what hubs read, and what a person asks", async () => {
    const card = await runCard(run, { license: "mit", address: "hf://me/mine" });
    const [, metadata, text] = card.split(/^---$/m);
    expect(parse(metadata)).toEqual({
      ...{ license: "mit", library_name: "kdc-mae", pipeline_tag: "feature-extraction" },
      tags: ["audio-visual", "kdc-mae", "self-supervised"],
      "model-index": [
        {
          name: "shared",
          results: [
            {
              task: { type: "feature-extraction", name: "retrieval-middle-frame" },
              dataset: { name: "synthetic clips", type: "custom" },
              metrics: [{ type: "R@1", value: 0.5, name: "R@1 (192 queries)" }],
            },
          ],
        },
      ],
    });
    expect(text).toContain('await loadModel("hf://me/mine")');
    expect(text).toContain("- Effective N: 1,280 clips trained on, of 1,568 that the data name");
    expect(text).toMatch(
      /\| retrieval-middle-frame \| R@1 \| 50\.0 % \| .*25.*75.* \| chance 0\.5 % \| 192 queries \|/,
    );
    expect(text).toContain("- Machine: a \\| machine\n");
    expect(text).toContain("- Computed on: WebGPU, a card; ONNX Runtime, cpu\n");
    expect(text).toContain("- Steps: 80, in 2 epochs");
    expect(text).toContain("- Time in training, without decoding beforehand: 60.0 minutes");
    expect(text).toContain("1.00 kWh (RAPL)");
    expect(text).toContain("| training.batch | 32 |");
    expect(text).toContain("- While it trained: few directions \\<b\\>");
    expect(text).toContain("- retrieval-middle-frame: a small gallery");
    expect(text).toContain("looked at on validation clips");
    expect(text).toMatch(/## Licence\n\nmit\./);
  });

  it("has the figures of a fine-tuning in their own units, and what each is over", async () => {
    const tuned = join(root, "tuned");
    await mkdir(join(tuned, "evaluation"), { recursive: true });
    await writeFile(join(tuned, "experiment.json"), JSON.stringify({ name: "tuned", loss: {} }));
    const last = { mAP: 0.25, auc: 0.875, dPrime: 1.6268 };
    const evaluation = { evaluated: 40, split: "validation", frames: "all" };
    const ends = (low: number | null, high: number | null) => ({ low, high, level: 0.95, resamples: 40 });
    const intervals = { last: { mAP: ends(0.125, 0.5), auc: ends(null, null), dPrime: ends(1.6268, 1.6268) } };
    const noted = { ...evaluation, notes: ["2 recordings have clips in train"] };
    await writeFile(join(tuned, "result.json"), JSON.stringify({ last, intervals, recordings: 8, evaluation: noted }));
    const few = { name: "accuracy, 1 shot", kind: "share", value: 0.5, over: { unit: "episodes", count: 200 } };
    const results = [{ protocol: { name: "few-shot-joint" }, evaluated: 40, figures: [few], warnings: ["seen"] }];
    await writeFile(join(tuned, "evaluation", "protocols.json"), JSON.stringify({ results }));
    const card = await runCard(tuned);
    expect(card).toContain(
      "- few-shot-joint: seen\n- last epoch on the validation clips, every picture: 2 recordings have clips in train\n",
    );
    const rows = card.split("\n").filter((line) => /^\| (few-shot|last epoch)/.test(line));
    // d′ is no share: √2 · Φ⁻¹(0.875) = 1.6268 (scipy.stats.norm.ppf).
    expect(rows).toEqual([
      "| few-shot-joint | accuracy, 1 shot | 50.0 % |  |  | 200 episodes |",
      "| last epoch on the validation clips, every picture | mAP | 25.0 % | 12.5–50.0 % |  | 40 clips in 8 recordings |",
      "| last epoch on the validation clips, every picture | AUC | 87.5 % |  |  | 40 clips in 8 recordings |",
      "| last epoch on the validation clips, every picture | d-prime | 1.627 |  |  | 40 clips in 8 recordings |",
    ]);
  });

  it("says what was not recorded instead of making it up", async () => {
    const bare = join(root, "bare");
    await mkdir(bare);
    await writeFile(join(bare, "experiment.json"), JSON.stringify(experiment));
    const card = await runCard(bare);
    for (const text of [
      ...[
        "Effective N: not recorded",
        "None were measured",
        "Machine: not recorded",
        "Computed on: not recorded",
        "Energy: not recorded",
      ],
      "None was given: ask its author",
    ]) {
      expect(card).toContain(text);
    }
    expect(parse(card.split(/^---$/m)[1])).not.toHaveProperty("license");
    await expect(runCard(root)).rejects.toThrow("there is no experiment.json in it");
  });
});

describe("a hub", () => {
  const shared = [
    ...["README.md", "audio.onnx", "config.json", "evaluation/protocols.json", "experiment.json", "log.jsonl"],
    "model.safetensors",
  ];
  it("is sent a run's files, twice too, and gives them back", async () => {
    const sent = await push(run, "hf://me/mine", { env: env(), license: "mit" });
    expect([...sent].sort()).toEqual(shared);
    const held = hub.repos.get("me/mine")!;
    expect([...held.keys()].sort()).toEqual(shared);
    expect(Buffer.compare(held.get("model.safetensors")!, await readFile(join(run, "model.safetensors")))).toBe(0);
    expect(held.get("README.md")!.toString()).toMatch(/^---\nlicense: mit\n/);
    const config = JSON.parse(held.get("config.json")!.toString());
    expect(config).toMatchObject({ model_type: "kdc-mae", embedDim: 12, statistics: { mean: 1, std: 2 } });
    await push(run, "hf://me/mine", { env: env() });

    const out = join(root, "pulled");
    expect([...(await pull("hf://me/mine", out, { env: env() }))].sort()).toEqual(shared);
    expect(Buffer.compare(await readFile(join(out, "model.safetensors")), held.get("model.safetensors")!)).toBe(0);
    const before = hub.asked.length;
    await pull("hf://me/mine", out, { env: env() });
    expect(hub.asked.slice(before).filter((line) => line.endsWith("model.safetensors"))).toEqual([]);
    const one = join(root, "one");
    expect(await pull("hf://me/mine/experiment.json", one, { env: env() })).toEqual(["experiment.json"]);
    expect(await readdir(one)).toEqual(["experiment.json"]);
  });

  it("is where a model may be read from; its cache is asked first", async () => {
    const saved = await readSaved("hf://me/mine", { env: env() });
    expect("model" in saved && saved.model.experiment.name).toBe("shared");
    const before = hub.asked.length;
    await readSaved("hf://me/mine/model.safetensors", { env: env() });
    expect(hub.asked.slice(before).some((line) => line.startsWith("GET"))).toBe(false);
  });

  it("is where a model may be exported and explored from", async () => {
    const [written] = await exportGraphs("hf://me/mine", {
      ...{ env: env(), graphs: ["retrieval-audio"], out: join(root, "onnx") },
    });
    expect(existsSync(written.file)).toBe(true);
    await writeFile(join(root, "index.html"), "<head></head>");
    const { address, close } = await explore({ run: "hf://me/mine", env: env(), page: root });
    const served = await (await fetch(`${address}run/model.safetensors`)).arrayBuffer();
    await close();
    expect(Buffer.from(served)).toEqual(await readFile(join(run, "model.safetensors")));
  });

  it("that gives other bytes than it says is caught, and nothing is left", async () => {
    const whole = hub.repos.get("me/mine")!.get("model.safetensors")!;
    const wrong = Buffer.from(whole);
    wrong[wrong.length - 1] ^= 1;
    hub.instead.set("model.safetensors", wrong);
    const out = join(root, "wrong");
    await expect(pull("hf://me/mine", out, { env: env() })).rejects.toThrow(
      "pull from hf://me/mine: model.safetensors is not the file that the hub lists: its SHA-256 differs",
    );
    expect(existsSync(join(out, "model.safetensors"))).toBe(false);
    const cold = { ...env(), HF_HOME: join(root, "cold") };
    await expect(readSaved("hf://me/mine", { env: cold })).rejects.toThrow(
      "model.safetensors is not the file that the hub lists: its SHA-256 differs",
    );
    hub.instead.clear();
    expect("model" in (await readSaved("hf://me/mine", { env: cold }))).toBe(true);
  });

  it("that names files outside the folder is refused", async () => {
    hub.repos.set("evil/one", new Map([["../../etc/x", Buffer.from("x")]]));
    const out = join(root, "evil");
    await expect(pull("hf://evil/one", out, { env: env() })).rejects.toThrow("it names a file outside the folder");
    expect(existsSync(out)).toBe(false);
  });

  it("says what it refuses in words", async () => {
    await expect(push(run, "hf://me/other", { env: { ...env(), HF_TOKEN: "hf_wrong" } })).rejects.toThrow(
      "Give a token that may do so, in HF_TOKEN",
    );
    await expect(push(run, "hf://me/other", { env: { ...env(), HF_TOKEN: undefined } })).rejects.toThrow(
      "there is no access token. Give one that may write, in HF_TOKEN",
    );
    await expect(pull("hf://nobody/none", root, { env: env() })).rejects.toThrow("Check the name and the revision");
    await expect(pull("hf://me/mine/none.bin", root, { env: env() })).rejects.toThrow("there is no none.bin");
    await expect(push(join(root, "bare"), "hf://me/mine", { env: env() })).rejects.toThrow("there is no model in it");
    await expect(push(run, "hf://me/mine/model.safetensors", { env: env() })).rejects.toThrow("it names a file");
  });

  it.each(["hf://me", "hf://", "hf://me/mine/../../x", "hf:///x/y", "http://me/mine", "hf://me/mine/a\\b"])(
    "%s is no address",
    (text) => {
      expect(() => hubAddress(text)).toThrow("it is not the address of a model on a hub");
    },
  );
  it("reads addresses with a revision and a file", () => {
    expect(hubAddress("hf://me/a.b-c@v1/sub/x.onnx")).toEqual({ repo: "me/a.b-c", revision: "v1", file: "sub/x.onnx" });
  });
});
