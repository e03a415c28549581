import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float32 } from "@kdc-mae/core";
import { audioPatches, windowStart } from "@kdc-mae/data";
import { createPipesDecoder, locateFfmpeg, makeSet, openManifest, prepare } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import type { Experiment } from "../experiment/schema.js";
import { openPretraining } from "../pretrain/from-experiment.js";
import type { MaskedBatch } from "../pretrain/masked-batches.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { clipFormFor, frontEndOf } from "./clip-form.js";
import { loadClips } from "./load-clips.js";

const statistics = { mean: -6, std: 4 };
const experimentOn = (data: Experiment["data"], changes: Partial<Experiment> = {}) =>
  checkExperiment(
    {
      ...{ name: "windows", seed: 3, data, objective: [{ term: "contrastive" }], optimizer: { learningRate: 1 } },
      model: {
        preset: "tiny",
        audio: { rows: 2, columns: 12, patch: 16, channels: 1 },
        visual: { rows: 3, columns: 3, patch: 16, channels: 3 },
      },
      audio: { statistics, noise: false },
      visual: { window: 0.96 },
      masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
      training: { batch: 5, epochs: 1 },
      ...changes,
    },
    "windows.test.ts",
  );

let folder = "";
let ffmpeg = "";
const media = () => join(folder, "media");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-windows-"));
  ffmpeg = (await locateFfmpeg({ env: process.env })).path;
  const counts = { train: 5, validation: 0, test: 0 };
  await makeSet({ directory: media(), ffmpeg, counts, seed: 1, options: { size: 48 } });
  await prepare({
    manifest: await openManifest(join(media(), "manifest.jsonl")),
    ...{ out: join(folder, "set"), decoder: createPipesDecoder(ffmpeg), decodedBy: "this test", workers: 1 },
    content: {
      ...{ clipsPerShard: 3, size: 48, frames: { count: 10, limit: 1.92 }, seconds: 2.02 },
      pictures: { kind: "ppm" },
    },
  });
});
afterAll(() => rm(folder, { recursive: true }));

async function batchOf(data: Experiment["data"], changes?: Partial<Experiment>): Promise<MaskedBatch> {
  const { source, loader } = await openPretraining(experimentOn(data, changes), folder, {});
  try {
    for await (const batch of source.batches(0, 0)) return batch;
    throw new Error("no batch");
  } finally {
    await loader.close();
  }
}

/** What the model is given of each clip, sorted, since every source has an order of its own. */
const clipsOf = ({ patches: { audio, visual } }: MaskedBatch): string[] =>
  Array.from({ length: 5 }, (_, clip) =>
    [audio, visual].map(({ data }) => data.slice((clip * data.length) / 5, ((clip + 1) * data.length) / 5).join()),
  )
    .map(([sound, picture]) => `${sound} ${picture}`)
    .sort();

describe("visual.window", () => {
  const list = () => ({ kind: "manifest", path: join(media(), "manifest.jsonl") }) as const;

  it("gives the model six columns of twelve, and says which windows can be", () => {
    const { audio } = configFor(experimentOn(list()));
    expect(audio).toEqual({ rows: 2, columns: 6, patch: 16, channels: 1 });
    const withWindow = (visual: Experiment["visual"]) => () => configFor(experimentOn(list(), { visual }));
    expect(withWindow({ window: 0.9 })).toThrow("no whole number of patches of 16. Use 0.96");
    expect(withWindow({ window: 2.08 })).toThrow("it is 2.08 s and a clip has 1.92");
    expect(withWindow({ seconds: 3 })).toThrow("only clips with a window read it");
    expect(withWindow({ window: 0.96, seconds: 0.5 })).toThrow("it is less than visual.window");
  });

  it("pairs every picture with the sound around it, from a list, from shards and from a folder alike", async () => {
    const batch = await batchOf(list());
    expect(batch.patches.audio.shape).toEqual([5, 12, 256]);
    // Both views are of the one pair.
    expect(batch.views.map(({ audio }) => audio.visible.shape)).toEqual([
      [5, 3],
      [5, 3],
    ]);
    const listed = clipsOf(batch);
    expect(clipsOf(await batchOf({ kind: "shards", path: join(folder, "set"), workers: 1 }))).toEqual(listed);
    const paths = clipsOf(await batchOf({ kind: "manifest", path: media() }));
    // A folder names its clips otherwise, so other pictures are drawn; each pair is one of its clip's ten.
    const items = [];
    for await (const item of (await openManifest(join(media(), "manifest.jsonl"))).items()) items.push(item);
    const experiment = experimentOn(list());
    const form = clipFormFor(configFor(experiment), pairingOf(experiment));
    const front = frontEndOf(form, statistics);
    const { kept } = await loadClips(items, form, { decoder: createPipesDecoder(ffmpeg), concurrency: 1 });
    const sounds = kept.flatMap(({ spectrogram, times }) =>
      times.map((time) => audioPatches(spectrogram, front.audio, form.grids.audio, time).data.join()),
    );
    expect(new Set(sounds).size).toBeGreaterThan(20);
    for (const one of [...listed, ...paths]) expect(sounds).toContain(one.slice(0, one.indexOf(" ")));
  });

  it("is the stretch centred on the picture: what lies outside is not heard", async () => {
    const form = clipFormFor(configFor(experimentOn(list())), pairingOf(experimentOn(list())));
    expect([form.audio.frames, form.audio.window, form.seconds]).toEqual([192, 96, 1.92]);
    expect([0, 0.96, 1.8].map((time) => windowStart(form.audio, time))).toEqual([0, 48, 96]);
    const front = frontEndOf(form, statistics);
    const loud = float32([192, 32], new Float32Array(192 * 32).fill(1, 0, 48 * 32));
    const heard = (time: number) => new Set(audioPatches(loud, front.audio, form.grids.audio, time).data).size;
    expect([heard(0.2), heard(0.96)]).toEqual([2, 1]);
  });

  it("pairs within each clip that a long recording is cut into", async () => {
    const changes = { visual: { window: 0.48, seconds: 0.96 }, training: { batch: 5, epochs: 1 } };
    const { patches } = await batchOf({ ...list(), windows: 0.96 }, changes);
    expect(patches.audio.shape).toEqual([5, 6, 256]);
  });
});
