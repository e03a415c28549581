import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import installed from "@ffmpeg-installer/ffmpeg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSet } from "./make-set.js";

const ffmpeg = installed.path;
const counts = { train: 11, validation: 2, test: 3 };
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kdc-set-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const filesOf = async (folder: string) => (await readdir(folder, { recursive: true })).sort();

describe("makeSet", () => {
  it("writes mp4 files that hold a picture and a sound track, labelled and boxed", async () => {
    const told: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => told.push(done / total);
    const { items, made, reused } = await makeSet({ directory, ffmpeg, counts, seed: 7, onProgress });
    expect([items.length, made, reused]).toEqual([16, 16, 0]);
    expect(told.at(-1)).toBe(1);
    for (const split of ["train", "validation", "test"] as const) {
      expect(items.filter((item) => item.split === split).length).toBe(counts[split]);
    }
    const item = items[3];
    const { stderr } = spawnSync(ffmpeg, ["-hide_banner", "-i", item.path], { encoding: "utf8" });
    expect(stderr).toMatch(/Duration: 00:00:02/);
    expect(stderr).toMatch(/Video: (h264|mpeg4).* 96x96.* 5 fps/);
    expect(stderr).toMatch(/Audio: aac.* 16000 Hz, mono/);
    const sidecar = JSON.parse(await readFile(item.path.replace("mp4", "json"), "utf8"));
    expect(sidecar).toMatchObject({ label: item.labels[0], split: "train", width: 96, seconds: 2, boxes: item.boxes });
    expect(sidecar.boxes.length).toBe(10);
    const manifest = (await readFile(join(directory, "manifest.jsonl"), "utf8")).trim().split("\n");
    expect(manifest.map((line) => join(directory, JSON.parse(line).path))).toEqual(items.map(({ path }) => path));
    expect((await filesOf(directory)).filter((name) => name.includes("tmp"))).toEqual([]);
  });

  it("decodes to the pictures that were drawn", async () => {
    const { renderFrames } = await import("./render-frames.js");
    const { describeClip } = await import("./describe-clip.js");
    const { defaultOptions } = await import("./plan.js");
    const { createRng } = await import("@kdc-mae/core");
    const path = join(directory, "test/test-00002.mp4");
    const args = ["-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    const { stdout } = spawnSync(ffmpeg, args, { maxBuffer: 1e8 });
    const { pixels } = renderFrames(describeClip(createRng("7/test").fork("test-00002"), defaultOptions, "clock"));
    expect(stdout.length).toBe(pixels.length);
    let apart = 0;
    for (let i = 0; i < pixels.length; i++) apart += Math.abs(pixels[i] - stdout[i]) / pixels.length;
    expect(apart).toBeLessThan(12);
  });

  it("makes a clip again only when it is missing or its description is broken", async () => {
    const before = await stat(join(directory, "train/train-00000.mp4"));
    await rm(join(directory, "test/test-00001.mp4"));
    await writeFile(join(directory, "train/train-00004.json"), "{ half a");
    const again = await makeSet({ directory, ffmpeg, counts, seed: 7 });
    expect([again.made, again.reused]).toEqual([2, 14]);
    expect((await stat(join(directory, "train/train-00000.mp4"))).mtimeMs).toBe(before.mtimeMs);
    const grown = await makeSet({ directory, ffmpeg, counts: { ...counts, test: 4 }, seed: 7 });
    expect([grown.made, grown.reused]).toEqual([1, 16]);
  });

  it("a folder holds clips of one seed: others, also ones that begin at once, have a folder beside it", async () => {
    const few = { train: 2, validation: 0, test: 0 };
    const folder = join(directory, "shared");
    const bytesOf = ({ items }: { items: readonly { path: string }[] }) =>
      Promise.all(items.map(({ path }) => readFile(path)));
    const alone = async (seed: number) =>
      bytesOf(await makeSet({ directory: join(directory, `alone-${seed}`), ffmpeg, counts: few, seed }));
    const make = (seed: number) => makeSet({ directory: folder, ffmpeg, counts: few, seed });
    const sets = await Promise.all([11, 12, 13].map(make));
    expect(new Set(sets.map((set) => set.directory)).size).toBe(3);
    expect(sets.filter((set) => set.directory === folder)).toHaveLength(1);
    for (const [index, set] of sets.entries()) {
      expect(await bytesOf(set)).toEqual(await alone(11 + index));
      const again = await make(11 + index);
      expect([again.directory, again.made, again.reused]).toEqual([set.directory, 0, 2]);
    }
    // Other options are another set too; a description that was cut is written again.
    const first = sets.findIndex((set) => set.directory === folder);
    const options = { size: 64 };
    const small = await makeSet({ directory: folder, ffmpeg, counts: few, seed: 11 + first, options });
    expect(small.directory).not.toBe(folder);
    await writeFile(join(folder, "set.json"), "{ half a");
    expect((await make(11 + first)).directory).toBe(folder);
  });

  it("leaves a state it can go on from when it is stopped", async () => {
    const folder = join(directory, "stopped");
    const stopper = new AbortController();
    const onProgress = ({ done }: { done: number }) => done >= 8 && stopper.abort(new Error("enough"));
    const request = { directory: folder, ffmpeg, counts: { train: 24, validation: 0, test: 0 }, seed: 3, workers: 1 };
    await expect(makeSet({ ...request, onProgress, signal: stopper.signal })).rejects.toThrow("enough");
    expect((await filesOf(folder)).filter((name) => name.includes("tmp"))).toEqual([]);
    const rest = await makeSet(request);
    expect([rest.made, rest.reused]).toEqual([16, 8]);
  });

  it("says what is wrong with an ffmpeg that cannot be started or is none", async () => {
    const request = { directory: join(directory, "none"), counts: { train: 1, validation: 0, test: 0 }, seed: 1 };
    await expect(makeSet({ ...request, ffmpeg: "/no/ffmpeg" })).rejects.toThrow(/\/no\/ffmpeg could not be started/);
    await expect(makeSet({ ...request, ffmpeg: process.execPath })).rejects.toThrow(
      /ended with code 9.*Check that this is an ffmpeg program/s,
    );
  });
});
