import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disk, type FileSystem } from "@kdc-mae/core/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logMel } from "../audio/log-mel.js";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { ffmpeg, makeFilm, makeSilentFilm, makeWebPage } from "../media/make-media.test.support.js";
import { mediaError } from "../media/media-error.js";
import { readSample } from "../shards/sample.js";
import { decodePicture } from "../visual/encode-picture.js";
import { type PrepareOptions, type PrepareProgress, prepare } from "./prepare.js";
import type { ShardRecord } from "./shard-record.js";

let root = "";
const at = (name: string) => join(root, name);
const awkward = "-a 'film', \"quoted\"\nof two lines.mp4";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-prepare-"));
  await mkdir(at("media"));
  await Promise.all([
    makeFilm(at(`media/${awkward}`), 2),
    makeSilentFilm(at("media/silent.mp4")),
    makeWebPage(at("media/page.mp4")),
  ]);
  const rows = Array.from({ length: 11 }, (_, index) => {
    const path = index === 3 ? "page.mp4" : index === 4 ? "gone.mp4" : index === 8 ? "silent.mp4" : awkward;
    const part = path === awkward ? { start: 0.1 * index, end: 0.1 * index + 0.7 } : {};
    const labels = index % 2 ? ["odd"] : ["even", "number"];
    return JSON.stringify({ id: `row ${index}`, path, ...part, labels, split: index < 7 ? "train" : "test" });
  });
  await writeFile(at("media/list.jsonl"), rows.join("\n"));
});
afterAll(() => rm(root, { recursive: true }));

const optionsOf = async (out: string) => ({
  manifest: await openManifest(at("media/list.jsonl")),
  out: at(out),
  decoder: createPipesDecoder(ffmpeg),
  workers: 2,
  content: { clipsPerShard: 3, frames: { count: 2, limit: 10 }, size: 37, logMel: "float16" } as const,
});
const run = async (out: string, more: Omit<Partial<PrepareOptions>, "together"> = {}) =>
  prepare({ ...(await optionsOf(out)), ...more });
/** Every file of a set with the hash of its bytes. */
const fingerprint = async (folder: string) => {
  const names = (await readdir(at(folder))).sort();
  const hashes = names.map(async (name) =>
    createHash("sha256")
      .update(await readFile(join(at(folder), name)))
      .digest("hex"),
  );
  return Object.fromEntries((await Promise.all(hashes)).map((hash, index) => [names[index], hash]));
};

it("keeps what decoded a set, and says when it is gone on with by something else", async () => {
  const stopping = new AbortController();
  const onProgress = ({ done }: PrepareProgress) => void (done === 4 && stopping.abort());
  const first = run("versions", { decodedBy: "ffmpeg 5.1", onProgress, signal: stopping.signal });
  await expect(first).rejects.toMatchObject({ reason: "aborted" });
  const notes: string[] = [];
  const { decodedBy } = await run("versions", { decodedBy: "ffmpeg 7.0", onNote: (note) => notes.push(note) });
  expect(decodedBy).toEqual(["ffmpeg 5.1", "ffmpeg 7.0"]);
  expect(notes).toEqual([
    "finished shards were decoded by ffmpeg 5.1, the rest is decoded by ffmpeg 7.0; clips may differ",
  ]);
});

describe("prepare", () => {
  let undisturbed: Record<string, string> = {};

  it("makes shards, a record of what was left out, and a summary", async () => {
    const seen: number[] = [];
    const summary = await run("whole", { onProgress: ({ done }) => seen.push(done) });
    undisturbed = await fingerprint("whole");
    expect(Object.keys(undisturbed)).toHaveLength(4 * 2 + 3);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(summary).toMatchObject({
      samples: 8,
      quarantined: { missing: 1, "no-audio": 1, "not-media": 1 },
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

  it.each([0, 2, 5, 9])("stopped after %i clips and run again, ends with the same bytes", async (stopAfter) => {
    const out = `stopped-${stopAfter}`;
    const stop = new AbortController();
    const onProgress = ({ done }: { done: number }) => {
      if (done > stopAfter) stop.abort();
    };
    const tried = new Set<string>();
    const noting = {
      ...createPipesDecoder(ffmpeg),
      decode: (...args: Parameters<ReturnType<typeof createPipesDecoder>["decode"]>) => {
        tried.add(args[0].id);
        return createPipesDecoder(ffmpeg).decode(...args);
      },
    };
    await expect(run(out, { signal: stop.signal, onProgress, decoder: noting, workers: 5 })).rejects.toMatchObject({
      reason: "aborted",
    });
    // Nothing of a later shard was begun: what is done again is at most the shard at hand.
    const atHand = Math.floor((stopAfter + 1) / 3);
    expect([...tried].filter((id) => Number(id.slice(4)) >= 3 * (atHand + 1))).toEqual([]);
    expect(await fingerprint(out)).not.toHaveProperty(["dataset.json"]);
    let [reused, begun] = [0, 0];
    const decoder = createPipesDecoder(ffmpeg);
    const counting = {
      ...decoder,
      decode: (...args: Parameters<typeof decoder.decode>) => {
        begun++;
        return decoder.decode(...args);
      },
    };
    await run(out, { decoder: counting, workers: 3, onProgress: (progress) => (reused = progress.reused) });
    expect(await fingerprint(out)).toEqual(undisturbed);
    expect(reused).toBe(3 * Math.floor((stopAfter + 1) / 3));
    expect(begun).toBe(11 - reused);
  });

  it.each([
    [
      "ENOSPC",
      "disk-full",
      "the disk is full. Free some space and run the same command again; what was finished is kept",
    ],
    ["EACCES", "permission", "permission denied. Check who may read and write it"],
  ])("on %s says so, leaves nothing half-written, and goes on later", async (code, reason, message) => {
    let left = 60_000;
    const failing: FileSystem = {
      ...disk,
      async open(path) {
        const file = await disk.open(path);
        const write = async (bytes: Uint8Array) => {
          left -= bytes.length;
          if (left < 0) {
            await file.write(bytes.subarray(0, 100));
            throw Object.assign(new Error(code), { code });
          }
          return file.write(bytes);
        };
        return { ...file, write };
      },
    };
    const error = await run(code, { files: failing }).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason, where: expect.stringContaining("shard-00000") });
    expect(error.message).toContain(message);
    expect((await readdir(at(code))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    await run(code);
    expect(await fingerprint(code)).toEqual(undisturbed);
  });

  it("does again a shard that is cut short, and refuses other options or another manifest", async () => {
    await writeFile(at("stopped-0/shard-000002.tar"), "half");
    await run("stopped-0");
    expect(await fingerprint("stopped-0")).toEqual(undisturbed);
    await expect(run("whole", { content: { clipsPerShard: 4 } })).rejects.toThrow(
      "it holds a set that was prepared with other options",
    );
    await writeFile(at("media/other.jsonl"), '{"path":"page.mp4"}');
    await expect(run("whole", { manifest: await openManifest(at("media/other.jsonl")) })).rejects.toThrow(
      "it was made from other clips",
    );
  });

  it("makes a shard again when a byte of it has changed, instead of taking it over", async () => {
    await run("changed");
    const tar = at("changed/shard-000001.tar");
    const bytes = await readFile(tar);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(tar, bytes);
    let last: PrepareProgress | undefined;
    const onProgress = (progress: PrepareProgress) => {
      last = progress;
    };
    await run("changed", { onProgress });
    expect(last).toMatchObject({ done: 11, reused: 8, mended: 1 });
    expect(await fingerprint("changed")).toEqual(undisturbed);
  });

  it.each(["timeout", "killed"] as const)(
    "tries clips again that gave %s, once a run, alone or with others",
    async (reason) => {
      const plain = createPipesDecoder(ffmpeg);
      let asked = 0;
      const crowded: typeof plain = {
        ...plain,
        async decode(item, request) {
          if (item.id !== "row 5") return plain.decode(item, request);
          asked++;
          throw mediaError(item.path, reason);
        },
      };
      const name = `crowded-${reason}`;
      const notes: string[] = [];
      expect((await run(name, { decoder: crowded })).quarantined).toMatchObject({ [reason]: 1 });
      await run(name, { decoder: crowded, onNote: (note) => notes.push(note) });
      expect([asked, notes]).toEqual([2, ["clips whose ffmpeg was killed or came to no end in time are tried again"]]);
      const together = { isFirst: true, isOwn: () => true, barrier: async () => undefined };
      await prepare({ ...(await optionsOf(name)), decoder: crowded, together });
      expect(asked).toBe(3);
      await run(name);
      expect(await fingerprint(name)).toEqual(undisturbed);
    },
  );

  it("lets one of two runs write, whose set is whole", async () => {
    const both = await Promise.allSettled([run("both"), run("both")]);
    const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason.reason] : []));
    expect(refused).toEqual(["locked"]);
    expect(await fingerprint("both")).toEqual(undisturbed);
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
