import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDecoder, locateFfmpeg } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { resultsJson } from "@kdc-mae/eval/report";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { changes, command, lines, set, silent, withoutTimes } from "./calls.test.support.js";
import * as trainer from "./index.js";
import { executions } from "./parity/executions.js";
import type { Changes } from "./pipeline/experiment/change.js";
import type { FineTuningExperiment } from "./pipeline/finetune/schema.js";

// Everything a command does, a program can do: each is run both ways on the same clips, and what comes out is compared.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const media = () => at("media");
const model = () => at("called", "model.safetensors");

/** What was done when each stage spoke first: its rate is counted from there. */
function beginnings() {
  const begun = new Map<string, number>();
  const onProgress = ({ stage, done }: trainer.Progress) => void (begun.has(stage) || begun.set(stage, done));
  return { begun, onProgress };
}

const bytes = (path: string) => readFile(path);
const experiment = () => trainer.loadExperiment({ base: "demo", change: changes });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-calls-"));
  const { begun, onProgress } = beginnings();
  const trained = await silent(
    trainer.pretrain(await experiment(), {
      ...{ out: at("called"), media: media() },
      onProgress,
    }),
  );
  expect(trained.finished).toBe(true);
  expect([...begun.keys()]).toEqual(["media", "decode", "pretrain"]);
  expect([begun.get("media"), begun.get("decode")]).toEqual([0, 0]);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

it("pretrain", async () => {
  await command("pretrain", "demo", "--out", at("commanded"), "--media", media(), ...set);
  expect(await lines(at("commanded", "log.jsonl"))).toEqual(await lines(at("called", "log.jsonl")));
  expect(await bytes(at("commanded", "model.safetensors"))).toEqual(await bytes(model()));
});

it("finetune", async () => {
  const tuning = {
    data: changes.data,
    training: { batch: 4, epochs: 1 },
    averaging: null,
    evaluation: { split: "test", frames: "middle" },
    visual: { framesPerClip: 2 },
  } satisfies Changes<FineTuningExperiment>;
  const options = Object.entries(tuning).flatMap(([key, value]) => ["--set", `${key}=${JSON.stringify(value)}`]);
  const printed = JSON.parse(
    await command(
      ...["finetune", "demo-finetune", "--init", model(), "--out", at("tuned-by-command"), "--json"],
      ...["--media", media(), ...options],
    ),
  );
  const experiment = await trainer.loadFineTuning({ base: "demo-finetune", change: tuning });
  const { result } = await silent(
    trainer.finetune(experiment, { init: model(), out: at("tuned-by-call"), media: media() }),
  );
  expect(withoutTimes(result)).toEqual(withoutTimes(printed));
});

it("evaluate, under a protocol and with pictures", async () => {
  const told: trainer.Progress[] = [];
  const printed = JSON.parse(
    await command("evaluate", model(), "--protocol", "retrieval-middle-frame", "--json", "--media", media()),
  );
  const { results } = await silent(
    trainer.evaluate(model(), {
      ...{ protocols: ["retrieval-middle-frame"], media: media() },
      onProgress: (one) => told.push(one),
    }),
  );
  const protocols = told.filter(({ stage }) => stage === "evaluate").map(({ done, total }) => [done, total]);
  expect([protocols[0], protocols.at(-1)]).toEqual([
    [0, 1],
    [1, 1],
  ]);
  expect(withoutTimes(JSON.parse(resultsJson(results)))).toEqual(withoutTimes(printed));
});

it("prepare and survey", async () => {
  const printed = JSON.parse(await command("survey", at("media"), "--json"));
  const { begun, onProgress } = beginnings();
  const surveyed = await silent(trainer.survey(at("media"), { onProgress }));
  for (const key of ["total", "usable", "reasons"] as const) expect(surveyed[key]).toEqual(printed[key]);
  await command("prepare", at("media"), "--out", at("prepared-by-command"), "--size", "64", "--frames", "2");
  await silent(
    trainer.prepare(at("media"), {
      onProgress,
      out: at("prepared-by-call"),
      content: { size: 64, frames: { count: 2, limit: 10 }, clipsPerShard: 500, seconds: 10.3, logMel: "none" },
    }),
  );
  expect([...begun]).toEqual([
    ["survey", 0],
    ["prepare", 0],
  ]);
  for (const name of ["shard-000000.tar", "dataset.json"]) {
    expect(await bytes(at("prepared-by-call", name))).toEqual(await bytes(at("prepared-by-command", name)));
  }
});

it("index and search", async () => {
  const options = ["--model", model(), "--index", at("index-by-command")];
  const printed = JSON.parse(await command("index", at("media"), ...options, "--json"));
  const indexed = await silent(trainer.indexFolder(at("media"), { model: model(), index: at("index-by-call") }));
  expect(withoutTimes(indexed)).toEqual(withoutTimes(printed));
  expect(indexed.clips).toBeGreaterThan(0);
  const [first] = await trainer
    .survey(at("media"), { clean: at("usable.jsonl") })
    .then(async () => (await readFile(at("usable.jsonl"), "utf8")).split("\n").filter(Boolean))
    .then((found) => found.map((line) => JSON.parse(line).path as string));
  const asked = existsSync(first) ? first : at("media", first);
  const found = JSON.parse(await command("search", asked, ...options, "--count", "3", "--json"));
  const answer = await silent(trainer.searchClips(asked, { model: model(), index: at("index-by-call"), count: 3 }));
  expect(withoutTimes(answer.found)).toEqual(withoutTimes(found.found));
});

it("classify, localize and inpaint", async () => {
  const files = ["00000", "00001"].map((name) => at("media", "test", `test-${name}.mp4`));
  const jsonLines = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => withoutTimes(JSON.parse(line)));
  const seen: unknown[] = [];
  const onFile = (one: unknown) => seen.push(withoutTimes(one));

  const tuned = at("tuned-by-call", "best.safetensors");
  const labels = await silent(trainer.classify(files, { model: tuned, count: 2, onFile }));
  expect(jsonLines(await command("classify", ...files, "--model", tuned, "--count", "2", "--json"))).toEqual(seen);
  expect(withoutTimes(labels.files)).toEqual(seen.splice(0));
  const page = at("labels.html");
  await command("classify", files[0], "--model", tuned, "--html", page);
  expect(await readFile(page, "utf8")).toContain('<video controls playsinline preload="metadata" src="./media/test/');

  await silent(trainer.localize(files, { model: model(), every: 0.6, out: at("heat-by-call"), onFile }));
  const heat = ["--model", model(), "--every", "0.6", "--out", at("heat-by-command")];
  const located = jsonLines(await command("localize", ...files, ...heat, "--json"));
  const withoutFilms = (all: readonly unknown[]) =>
    JSON.parse(JSON.stringify(all).replaceAll("heat-by-call", "heat-by-command"));
  expect(located).toEqual(withoutFilms(seen.splice(0)));
  const name = "test-00001.heat.mp4";
  expect(await bytes(at("heat-by-command", name))).toEqual(await bytes(at("heat-by-call", name)));

  const hole = { share: 0.5, structure: "frequency" } as const;
  await silent(trainer.inpaint(files, { model: model(), hole, onFile }));
  const options = ["--model", model(), "--hide", "0.5", "--structure", "frequency"];
  expect(jsonLines(await command("inpaint", ...files, ...options, "--json"))).toEqual(seen.splice(0));
  expect(await command("inpaint", files[0], "--model", model(), "--time", "0.8-1")).toMatch(
    /sound from 0\.8 to 1 s; 1 window\)\nhidden +squared error +mean fill\nsound +\d/,
  );
});

it("export", async () => {
  const printed = JSON.parse(await command("export", model(), "--graphs", "encoder", "--out", at("onnx-1"), "--json"));
  const written = await silent(trainer.exportGraphs(model(), { graphs: ["encoder"], out: at("onnx-2") }));
  expect(withoutTimes(written)).toEqual(withoutTimes(printed));
  expect(await bytes(at("onnx-2", "encoder.onnx"))).toEqual(await bytes(at("onnx-1", "encoder.onnx")));
});

it("parity", async () => {
  const seed0 = at("one-case");
  await cp(fileURLToPath(new URL("../../../fixtures/seed0", import.meta.url)), seed0, { recursive: true });
  const index = JSON.parse(await readFile(join(seed0, "index.json"), "utf8"));
  await writeFile(
    join(seed0, "index.json"),
    JSON.stringify({ ...index, cases: { cavmae: index.cases.cavmae }, adam_curve: [] }),
  );
  const printed = JSON.parse(await command("parity", seed0, "--json"));
  const report = await silent(
    trainer.parity(
      seed0,
      (await executions()).filter(({ name }) => name === "compiled"),
    ),
  );
  expect(report.cases).toEqual(
    printed.cases.filter(({ execution }: { execution: string }) => execution === "compiled"),
  );
});

it("embed: a film by the command, by embedFiles, by an embedder of files, and as plain arrays by createEmbedder", async () => {
  await trainer.survey(at("media"), { clean: at("usable.jsonl") });
  const [line] = (await readFile(at("usable.jsonl"), "utf8")).split("\n");
  const { path } = JSON.parse(line);
  const film = existsSync(path) ? path : at("media", path);
  const printed = JSON.parse(await command("embed", film, "--model", model()));
  const called: trainer.FileEmbedding[] = [];
  const onFile = (one: trainer.FileEmbedding) => void called.push(one);
  const results = await silent(
    trainer.embedFiles([film, at("nothing.mp4")], { model: model(), env: process.env, onFile }),
  );
  expect([results.files, results.leftOut.map(({ file }) => file)]).toEqual([[film], [at("nothing.mp4")]]);
  for (const stream of ["audio", "visual", "joint"] as const)
    expect([...(called[0][stream] ?? [])]).toEqual(printed[stream]);
  const tooLong = trainer.embedFiles([film, film], { model: model(), env: process.env, window: 1e3, onFile });
  await expect(tooLong).rejects.toMatchObject({ reason: "option" });
  const saved = await silent(trainer.loadModel(model()));
  if (!("model" in saved)) throw new Error("it is a pretrained model");
  const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
  const execute = compiled();
  const files = trainer.createFileEmbedder(
    saved.model,
    execute,
    createDecoder("ffmpeg-batches", ffmpeg, { processes: 2 }),
  );
  const plain = trainer.createEmbedder(saved.model, { execute });
  const embedded = await silent(files.embed(film));
  const sums = new Map<string, number[]>();
  let windows = 0;
  for await (const { input } of plain.embedAll(files.read(film))) {
    const vectors = await plain.embed(input);
    windows += 1;
    for (const stream of ["audio", "visual", "joint"] as const) {
      const before = sums.get(stream) ?? [];
      sums.set(
        stream,
        Array.from(vectors[stream] ?? [], (value, at) => value + (before[at] ?? 0)),
      );
    }
  }
  expect(windows).toBe(printed.windows);
  for (const stream of ["audio", "visual", "joint"] as const) {
    expect([...(embedded[stream] ?? [])]).toEqual(printed[stream]);
    for (const [at, sum] of (sums.get(stream) ?? []).entries()) {
      expect(sum / windows).toBeCloseTo(printed[stream][at], 5);
    }
  }
  await files.dispose();
  await plain.dispose();
});

it("openData: the clips that evaluation opens, by split", async () => {
  const { data, seed } = await experiment();
  const saved = await trainer.loadModel(model());
  if (!("model" in saved)) throw new Error("it is a pretrained model");
  const form = trainer.clipFormFor(saved.model.config, 2);
  const opened = await silent(trainer.openData({ data, seed }, form, { media: media(), needs: ["test"] }));
  const printed = JSON.parse(
    await command("evaluate", model(), "--protocol", "retrieval-middle-frame", "--json", "--media", media()),
  );
  expect(opened.sets.test.items).toHaveLength(printed.results[0].evaluated);
  expect([opened.sets.train.items.length, opened.sets.validation.items.length]).toEqual([8, 2]);
  for await (const { spectrogram, frames } of opened.sets.test.read()) {
    expect([spectrogram.shape[1], frames.length]).toEqual([form.audio.melBins, 2]);
  }
  await opened.close();
});

it("ablate", async () => {
  const arms = [{ name: "base" }, { name: "one-view", change: { masking: { kind: "independent" } } }];
  await writeFile(at("ablation.json"), JSON.stringify({ name: "tiny", base: "demo", change: changes, arms, seeds: 1 }));
  const printed = JSON.parse(
    await command("ablate", at("ablation.json"), "--out", at("ablated-1"), "--media", media(), "--json"),
  );
  const { ablation, base } = await trainer.loadAblation({
    name: "tiny",
    base: "demo",
    change: changes,
    arms,
    seeds: 1,
  });
  const worked = trainer.workOutArms(ablation, base, []);
  const { comparison, finished } = await silent(
    trainer.ablate({
      ...{ ablation, arms: worked, seeds: [worked.base.seed], out: at("ablated-2"), media: media() },
    }),
  );
  expect(finished).toBe(true);
  const told = ({ tables, figures }: { tables: unknown; figures: unknown }) => withoutTimes({ tables, figures });
  expect(told(comparison)).toEqual(told(printed));
});
