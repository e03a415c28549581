import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { logMel } from "../audio/log-mel.js";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { ffmpeg } from "../media/make-media.test.support.js";
import { readSample } from "../shards/sample.js";
import { decodePicture } from "../visual/encode-picture.js";
import { at, awkward, fingerprint, run } from "./prepared-set.test.support.js";
import type { ShardRecord } from "./shard-record.js";

describe("prepare", () => {
  it("makes shards, a record of what was left out, and a summary", async () => {
    const seen: number[] = [];
    const summary = await run("whole", { onProgress: ({ done }) => seen.push(done) });
    expect(Object.keys(await fingerprint("whole"))).toHaveLength(4 * 2 + 3);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(summary).toMatchObject({
      samples: 8,
      quarantined: { missing: 1, "no-audio": 1, "not-media": 1 },
      quarantinedBySplit: { test: { "no-audio": 1 }, train: { missing: 1, "not-media": 1 } },
      splits: { train: 5, test: 3 },
      classes: { even: { all: 4, train: 3, test: 1 }, number: { all: 4 }, odd: { all: 4, train: 2, test: 2 } },
    });
    const lines = (await readFile(at("whole/quarantine.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ file, stage, reason }) => [file, stage, reason])).toEqual([
      ["page.mp4", "decode", "not-media"],
      ["gone.mp4", "decode", "missing"],
      ["silent.mp4", "decode", "no-audio"],
    ]);
    expect(lines[0].ffmpeg).toContain("page.mp4");
  });

  it("keeps sound, pictures, log-mel and where they came from", async () => {
    const record: ShardRecord = JSON.parse(await readFile(at("whole/shard-000001.json"), "utf8"));
    const tar = await readFile(at("whole/shard-000001.tar"));
    expect(tar.length).toBe(record.bytes);
    expect(createHash("sha256").update(tar).digest("hex")).toBe(record.sha256);
    expect(record.samples.map(({ key }) => key)).toEqual(["00000005_row_5"]);
    // The recording is the film that a part was taken of, or the one that the list names.
    const last: ShardRecord = JSON.parse(await readFile(at("whole/shard-000003.json"), "utf8"));
    expect([...record.samples, ...last.samples].map(({ recording }) => recording)).toEqual([
      awkward,
      awkward,
      "rushes",
    ]);
    const [{ offset, bytes }] = record.samples;
    const sample = readSample(tar.subarray(offset, offset + bytes), "here");
    expect(sample.notes).toMatchObject({
      id: "row 5",
      labels: ["odd"],
      split: "train",
      source: { path: awkward, start: 0.5, end: 1.2 },
      times: [0, 0.35],
    });
    const waveform = sample.waveform();
    const picture = await decodePicture(sample.pictures[1], "here");
    expect([waveform.sampleRate, Math.round(waveform.samples.length / 100)]).toEqual([16000, 112]);
    expect([sample.pictures.length, picture.width, picture.height]).toEqual([2, 37, 37]);
    const clip = await createPipesDecoder(ffmpeg).decode(
      { id: "", path: at(`media/${awkward}`), start: 0.5, end: 1.2, labels: [] },
      { sampleRate: 16000, frames: { times: [0.35] }, size: 37 },
    );
    expect(waveform.samples).toEqual(clip.waveform.samples);
    const apart = picture.data.reduce((sum, value, index) => sum + Math.abs(value - clip.frames[0].data[index]), 0);
    expect(apart / picture.data.length).toBeLessThan(4);
    const spectrogram = logMel(waveform, { sampleRate: 16000, melBins: 128, frameLengthMs: 25, frameShiftMs: 10 });
    const kept = sample.logMel!();
    expect(kept.shape).toEqual(spectrogram.shape);
    for (const [index, value] of spectrogram.data.entries())
      expect(Math.abs(kept.data[index] - value)).toBeLessThan(0.005);
  });

  it("ends when ffmpeg itself cannot be run, since no other file would fare better", async () => {
    await expect(run("no-ffmpeg", { decoder: createPipesDecoder(at("nothing")) })).rejects.toMatchObject({
      reason: "no-ffmpeg",
    });
  });

  it("reads CAV-MAE's frames beside the sound", async () => {
    const { writePictures } = await import("../media/picture-folders.test.support.js");
    const file = await writePictures(at("cav"), at(`media/${awkward}`), ["clip-é", "broken"]);
    const summary = await run("cav-out", { manifest: await openManifest(file) });
    expect(summary).toMatchObject({
      samples: 1,
      quarantined: { "no-video": 1 },
      classes: { "/m/1": { all: 1 }, "/m/2": { all: 1 } },
    });
    const tar = await readFile(at("cav-out/shard-000000.tar"));
    const sample = readSample(tar.subarray(0, -1024), "here");
    expect(sample.pictures).toHaveLength(2);
    expect(await decodePicture(sample.pictures[0], "here")).toMatchObject({ width: 37, height: 37 });
  });
});
