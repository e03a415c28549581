import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { audioGrid, createRng, isKdcError, visualGrid } from "@kdc-mae/core";
import { locateFfmpeg, openManifest, prepare, survey } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFileEmbedder } from "../embed/embed-files.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { configFor } from "../run/model-file.js";
import { saveModel } from "../run/save-model.js";
import { indexFolder } from "../search/index-folder.js";
import { searchClips } from "../search/search-clips.js";
import { clipFormFor } from "./clip-form.js";
import { loadClips } from "./load-clips.js";
import { openDecoder } from "./open-decoder.js";

/** Windows of 0.96 s. */
const experiment = checkExperiment(
  withChanges(named.demo, {
    ...{ name: "small-one" },
    model: {
      ...{ audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), embedDim: 24, heads: 4, modalityDepth: 1 },
    },
  }),
  "test",
);
const config = configFor(experiment);
const { path: ffmpeg } = await locateFfmpeg({ env: process.env });

/** What embedding says: one modality is enough for it. */
const enough = new Set(["no-video", "no-audio"]);
/** Films, and what every command is to say of each: nothing for one that is used. */
const verdicts: Readonly<Record<string, string | undefined>> = {
  "cover.m4a": "no-video",
  "empty.mp4": "zero-length",
  "half.mp4": "truncated",
  "no-duration.mkv": undefined,
  "page.mp4": "not-media",
  "plain.mp4": undefined,
  "short-pictures.mp4": undefined,
  "short-sound.mp4": undefined,
  "silent.mp4": "no-audio",
  "titled.mp4": undefined,
};

let folder = "";
const at = (name: string) => join(folder, name);
const make = (name: string, ...args: string[]) => {
  const { status, stderr } = spawnSync(ffmpeg, ["-v", "error", "-y", ...args, at(name)]);
  if (status !== 0) throw new Error(String(stderr));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-verdict-"));
  const film = (seconds: number) => ["-f", "lavfi", "-i", `testsrc=s=64x48:r=10:d=${seconds}`];
  // Each with a tone of its own, so that none is another's double.
  const tone = (seconds: number, hertz: number) => ["-f", "lavfi", "-i", `sine=f=${hertz}:r=16000:d=${seconds}`];
  const h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast"];
  make("plain.mp4", ...film(4), ...tone(4, 300), ...h264);
  make("short-pictures.mp4", ...film(2), ...tone(4, 400), ...h264);
  make("short-sound.mp4", ...film(4), ...tone(2, 500), ...h264);
  make("titled.mp4", ...film(4), ...tone(4, 600), ...h264, "-metadata", "title=Cannot allocate memory, partial file");
  make("no-duration.mkv", ...film(4), ...tone(4, 700), ...h264, "-live", "1", "-f", "matroska");
  make("silent.mp4", ...film(2), ...h264);
  make(
    "cover.m4a",
    ...tone(2, 800),
    ...film(0.1),
    ...["-map", "0:a", "-map", "1:v", "-c:v", "mjpeg"],
    ...[...["-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic"]],
  );
  const whole = await readFile(at("plain.mp4"));
  await writeFile(at("half.mp4"), whole.subarray(0, whole.length / 2));
  await writeFile(at("page.mp4"), "<html>gone</html>");
  await writeFile(at("empty.mp4"), "");
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

it("survey, prepare, training, embedding, index and search say the same of every file", {
  timeout: 180_000,
}, async () => {
  const { decoder } = await openDecoder({ env: process.env });
  const manifest = await openManifest(folder);
  const names = Object.keys(verdicts);
  const said = (problems: readonly (readonly [file: string, reason: string])[]) => {
    const known = new Map(problems);
    return Object.fromEntries(names.map((name) => [name, known.get(name)]));
  };

  const surveyed: [string, string][] = [];
  await survey({
    ...{ manifest, decoder, workers: 2 },
    onProblem: ({ item, detail }) => surveyed.push([item.path.slice(folder.length + 1), detail]),
  });
  expect(said(surveyed), "survey").toEqual(verdicts);

  const content = { frames: { count: 2, limit: 4 }, size: 32 };
  await prepare({ ...{ manifest, decoder, workers: 2, out: at("set") }, content });
  const left = (await readFile(at("set/quarantine.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(said(left.map(({ file, reason }) => [file, reason])), "prepare").toEqual(verdicts);

  const items = names.map((name) => ({ id: name, path: at(name), labels: [] }));
  const { leftOut } = await loadClips(items, clipFormFor(config, 2), { decoder, concurrency: 2 });
  expect(said(leftOut.map(({ item, error }) => [item.id, error.reason])), "training").toEqual(verdicts);

  const model = { config, experiment, params: initModel(config, createRng(1)), statistics: { mean: -6, std: 4 } };
  const embedder = createFileEmbedder(model, compiled({}), decoder);
  const embedded: [string, string][] = [];
  const windows: Record<string, readonly number[]> = {};
  for (const name of names) {
    try {
      const { of } = await embedder.embed(at(name));
      windows[name] = [of.audio, of.visual, of.joint];
    } catch (error) {
      embedded.push([name, isKdcError(error) ? error.reason : String(error)]);
    }
  }
  await embedder.dispose();
  const refused = Object.entries(verdicts).map(([name, reason]) => [
    name,
    enough.has(reason ?? "") ? undefined : reason,
  ]);
  expect(said(embedded), "embed").toEqual(Object.fromEntries(refused));
  // Windows of 0.96 s over 4 s, and over what there is of each.
  const all = Object.entries(windows).map(([name, counts]) => [name, ...counts]);
  expect(all).toEqual([
    ["cover.m4a", 2, 0, 0],
    ["no-duration.mkv", 5, 5, 5],
    ["plain.mp4", 5, 5, 5],
    ["short-pictures.mp4", 5, 3, 3],
    ["short-sound.mp4", 3, 5, 3],
    ["silent.mp4", 0, 2, 0],
    ["titled.mp4", 5, 5, 5],
  ]);
  const modelFile = at("model.safetensors");
  await saveModel(modelFile, model);
  const around = { model: modelFile, index: at("index"), execute: compiled({}), env: process.env };
  const indexed = await indexFolder(folder, { ...around, store: "plain" });
  expect(said(indexed.leftOut.map(({ file, reason }) => [file, reason])), "index").toEqual(Object.fromEntries(refused));
  const searched: [string, string][] = [];
  for (const name of names) {
    await searchClips(at(name), around).then(
      ({ found }) => expect(found.length).toBeGreaterThan(0),
      (error) => searched.push([name, isKdcError(error) ? error.reason : String(error)]),
    );
  }
  expect(said(searched), "search").toEqual(Object.fromEntries(refused));
});
