import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { initClassifier } from "@kdc-mae/model";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { command, lines, silent, changes as sizes } from "./calls.test.support.js";
import * as trainer from "./index.js";
import { classes, tinyWith } from "./pipeline/finetune/made-clips.test.support.js";
import { saveClassifier } from "./pipeline/run/save-classifier.js";

// Streams and smaller models, by the command and by the call: as in calls.test.ts.
vi.setConfig({ testTimeout: 1_200_000, hookTimeout: 600_000 });

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const media = () => at("media");
const model = () => at("called", "model.safetensors");
const bytes = (path: string) => readFile(path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-smaller-"));
  const experiment = await trainer.loadExperiment("demo", [sizes]);
  await silent(trainer.pretrain(experiment, { out: at("called"), media: media() }));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

it("stream", async () => {
  const film = at("media", "test", "test-00000.mp4");
  const seen: unknown[] = [];
  const onWindow = (one: unknown) => void seen.push(one);
  const told = await silent(trainer.stream(film, { model: model(), hop: 0.04, window: 1.2, heat: true, onWindow }));
  const options = ["--hop", "0.04", "--window", "1.2", "--heat"];
  const printed = await command("stream", film, "--model", model(), ...options, "--json");
  const rows = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect([rows.length, told.windows > 1]).toEqual([seen.length, true]);
  for (const [index, row] of rows.entries()) {
    const { audio, visual, joint, heat, hottest } = seen[index] as trainer.StreamedWindow;
    expect([row.audio, row.visual, row.joint]).toEqual([audio, visual, joint].map((vector) => [...vector!]));
    expect([row.heat.cosines, row.hottest]).toEqual([[...heat!.data], hottest]);
  }
});

const untimed = (compared: unknown) =>
  JSON.parse(JSON.stringify(compared, (key, part) => (/^(milliseconds|file)$/.test(key) ? 0 : part)));

it("distill: a student of half the sizes, which is a model like any other", async () => {
  const protocols = ["retrieval-middle-frame"];
  const sets = ["--set", "training.epochs=1", "--set", "data.test=6"];
  const shared = ["--media", media(), ...sets, "--protocol", protocols[0], "--json"];
  const printed = JSON.parse(await command("distill", model(), "--out", at("student-1"), ...shared));
  const changes = [{ training: { epochs: 1 } }, { data: { test: 6 } }];
  const made = await silent(trainer.distill(model(), { out: at("student-2"), media: media(), changes, protocols }));
  expect(await bytes(at("student-2", "model.safetensors"))).toEqual(await bytes(at("student-1", "model.safetensors")));
  expect(untimed(made.compared)).toEqual(untimed(printed));
  const [teacher, student] = made.compared!;
  expect([teacher.name, student.name, student.encoder < teacher.encoder / 2]).toEqual(["teacher", "student", true]);
  expect(student.figures.map(({ key }) => key)).toEqual(teacher.figures.map(({ key }) => key));
  // The teacher is measured on the student's six clips, not on the four of its own experiment.
  const read = await trainer.loadModel(model());
  if (!("model" in read)) throw new Error("it is a pretrained model");
  const { experiment } = read.model;
  const figuresOn = async (data: typeof experiment.data) => {
    const one = { model: { ...read.model, experiment: { ...experiment, data } } };
    const { results } = await trainer.evaluate(one, { protocols, media: media() });
    return results.sections.flatMap(({ figures }) => figures.map(({ key, value }) => [key, value]));
  };
  const measured = teacher.figures.map(({ key, value }) => [key, value]);
  expect(measured).toEqual(await figuresOn({ ...experiment.data, test: 6 } as typeof experiment.data));
  expect(measured).not.toEqual(await figuresOn(experiment.data));
  expect(await readFile(at("student-1", "comparison.md"), "utf8")).toContain("| parameters of the encoder |");
  const [logged] = await lines(at("student-1", "log.jsonl"));
  expect(Object.keys((logged as { losses: object }).losses)).toEqual(
    expect.arrayContaining(["teacher-cosine", "teacher-relations", "reconstruction-audio", "reconstruction-visual"]),
  );
  const film = at("media", "test", "test-00000.mp4");
  const { audio } = JSON.parse(await command("embed", film, "--model", made.file!));
  expect(audio).toHaveLength(8);
  // The same folder with another teacher is another run.
  await expect(
    trainer.distill(made.file!, {
      out: at("student-2"),
      media: media(),
      changes: [...changes, { name: "demo-student" }],
    }),
  ).rejects.toThrow("it holds a run of another experiment");
});

it("prune: half of the heads and units, trained on, exported smaller and equal", async () => {
  const options = ["--epochs", "1", "--media", media(), "--json"];
  const printed = JSON.parse(await command("prune", model(), "--out", at("pruned-1"), ...options));
  const shares = { heads: 0.5, units: 0.5 };
  const made = await silent(trainer.prune(model(), { out: at("pruned-2"), media: media(), shares, epochs: 1 }));
  for (const name of ["pruned.safetensors", "model.safetensors"]) {
    expect(await bytes(at("pruned-2", name))).toEqual(await bytes(at("pruned-1", name)));
  }
  expect(untimed(made.compared)).toEqual(untimed(printed));
  expect(made.compared!.map(({ name }) => name)).toEqual(["whole", "pruned", "pruned and trained"]);
  const saved = await silent(trainer.loadModel(made.file!));
  if (!("model" in saved)) throw new Error("it is a pretrained model");
  expect(saved.model.config.pruned!.visual).toEqual([{ heads: [expect.any(Number)], units: 32 }]);
  const [whole, small] = await Promise.all(
    [model(), made.file!].map((file, index) =>
      trainer.exportGraphs(file, { graphs: ["encoder"], out: at(`onnx-pruned-${index}`) }),
    ),
  );
  const graphOf = (index: number) => bytes(at(`onnx-pruned-${index}`, "encoder.onnx"));
  // Of three blocks half of the attention's 4 · 16² numbers and of the layers' 8 · 16², in bytes.
  expect((await graphOf(0)).length - (await graphOf(1)).length).toBeGreaterThan(4 * 3 * (512 + 1024));
  expect([whole.length, small.length]).toEqual([1, 1]);
  // A classifier is pruned alone.
  const { config, params, statistics } = saved.model;
  const classifier = { config, statistics, classes, experiment: tinyWith({}), weights: "none" };
  await saveClassifier(at("classifier.safetensors"), {
    ...classifier,
    params: initClassifier(config, classes.length, createRng(1), params.encoder),
  });
  // Of one encoder, and measured on the same clips, though its own experiment names others.
  const models = ["pruned-2/model", "classifier"].map((name) => ({ name, file: at(`${name}.safetensors`) }));
  const on = {
    ...saved.model.experiment,
    data: { ...saved.model.experiment.data, test: 6 },
  } as typeof saved.model.experiment;
  const [tuned, plain] = await trainer.compareModels(models, {
    ...{ on, media: media(), execute: compiled(), protocols: ["retrieval-middle-frame"] },
  });
  expect(plain.figures).toEqual(tuned.figures);
  const alone = await silent(trainer.prune(at("classifier.safetensors"), { out: at("pruned-3"), shares, epochs: 0 }));
  const film = at("media", "test", "test-00000.mp4");
  const { files } = await trainer.classify([film], { model: alone.file! });
  expect(files[0].labels).toHaveLength(classes.length);
  const trained = trainer.prune(at("classifier.safetensors"), { out: at("pruned-4"), shares, epochs: 1 });
  await expect(trained).rejects.toThrow("it is a classifier, which labelled clips train");
});
