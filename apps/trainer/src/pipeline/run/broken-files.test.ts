import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, isKdcError } from "@kdc-mae/core";
import { initModel } from "@kdc-mae/model";
import { saveCheckpoint, writeTensors } from "@kdc-mae/model/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadExperiment } from "../experiment/load.js";
import { readExportSource } from "../export/source.js";
import { loadFineTuning } from "../finetune/named.js";
import { readStart } from "../finetune/start.js";
import { startFrom } from "../pretrain/start-from.js";
import { convertModel } from "./convert.js";
import { configFor } from "./model-file.js";
import { readModel, readSaved } from "./read-saved.js";
import { openRunFolder, readRunFolder } from "./run-folder.js";
import { saveModel } from "./save-model.js";

let root = "";
let sound: Record<string, string> = {};
const at = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-broken-"));
  const experiment = await loadExperiment("demo");
  const config = configFor(experiment);
  const params = initModel(config, createRng(1));
  await saveModel(at("model"), { config, params, experiment, statistics: { mean: 1, std: 2 } });
  sound = {
    config: JSON.stringify(config),
    statistics: '{"mean":1,"std":2}',
    experiment: JSON.stringify(experiment),
  };
  // The tensors need not fit: the metadata are read first.
  await saveCheckpoint(at("base"), config, params, { metadata: sound });
});
afterAll(() => rm(root, { recursive: true }));

const broken: readonly (readonly [part: string, text: string])[] = [
  ["config", "{"],
  ["config", ""],
  ["config", "null"],
  ["config", "7"],
  ["config", "[]"],
  ["config", "{}"],
  ["config", '{"audio":null,"visual":{}}'],
  ["config", '{"audio":{},"visual":{}}'],
  ["statistics", "nonsense"],
  ["statistics", "null"],
  ["statistics", '{"mean":"1","std":2}'],
  ["statistics", '{"mean":1,"std":0}'],
  ["statistics", '{"mean":1}'],
  ["experiment", "{"],
  ["experiment", "null"],
  ["experiment", '{"name":"x"}'],
  ["classes", "[1]"],
  ["classes", '{"a":1}'],
  ["classes", "["],
];

it("a run's folder and a run's state in place of a model are refused, and the model is named", async () => {
  const run = at("a run");
  await mkdir(run);
  const tensors = { "params.model.w": { dtype: "float32", shape: [1], data: Float32Array.of(1) } } as const;
  await writeTensors(join(run, "state.safetensors"), tensors, {});
  const tuning = await loadFineTuning("demo-finetune");
  const experiment = await loadExperiment("demo");
  const readers = [
    readSaved,
    readExportSource,
    (path: string) => readStart(tuning, path),
    (path: string) => startFrom(path, configFor(experiment), 0, {}),
    (path: string) => convertModel(path, at("converted")),
  ];
  for (const read of readers) {
    await expect(read(run)).rejects.toThrow(
      "it is a folder, not the file of a model. Give a .safetensors that kdc-mae",
    );
    await expect(read(join(run, "state.safetensors"))).rejects.toThrow("it is the state that a run goes on from");
  }
  for (const name of ["best.safetensors", "model.safetensors"]) {
    await cp(at("model"), join(run, name));
    await expect(readSaved(run)).rejects.toThrow(`Give ${join(run, name)}`);
  }
});

describe("a checkpoint whose metadata are broken", () => {
  it.each(broken)("%s = %s is refused in words that name the file", async (part, text) => {
    const path = at("metadata");
    const tensors = { a: { dtype: "float32", shape: [1], data: Float32Array.of(1) } } as const;
    await writeTensors(path, tensors, { ...sound, [part]: text });
    const fineTuning = await loadFineTuning("demo-finetune");
    const readers = {
      readModel: () => readModel(path),
      readSaved: () => readSaved(path),
      readExportSource: () => readExportSource(path),
      readStart: () => readStart(fineTuning, path),
    };
    for (const [name, read] of Object.entries(readers)) {
      const error = await read().catch((thrown) => thrown);
      expect([name, isKdcError(error), String(error)]).toEqual([name, true, expect.stringContaining("KdcError")]);
    }
  });

  it("reads the sound one", async () => {
    await expect(readModel(at("model"))).resolves.toMatchObject({ statistics: { mean: 1, std: 2 } });
  });
});

describe("a run folder whose experiment.json was cut or replaced", () => {
  it.each([
    [
      "cut",
      (text: string) => text.slice(0, text.length >> 1),
      "it is damaged or cut short: not valid JSON. Restore it from a copy",
    ],
    ["emptied", () => "", "it is empty. Restore it from a copy"],
    ["a web page", () => "<!doctype html>", "it is a web page and not JSON"],
  ])("%s: names the file and what to do", async (name, change, words) => {
    const experiment = await loadExperiment("demo");
    const path = at(`run-${name}`);
    await openRunFolder(path, experiment);
    const file = join(path, "experiment.json");
    await writeFile(file, change(await readFile(file, "utf8")));
    await cp(at("model"), join(path, "model.safetensors"));
    await expect(openRunFolder(path, experiment)).rejects.toThrow(words);
    await expect(readRunFolder(path)).rejects.toThrow(words);
  });
});
