import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateFfmpeg, makeSet, openManifest } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { benchData } from "./bench-data.js";

let folder: string;
const ffmpeg = (await locateFfmpeg({ env: process.env })).path;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bench-data-"));
  const counts = { train: 5, validation: 0, test: 0 };
  await makeSet({ directory: folder, ffmpeg, counts, seed: 1, workers: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("benchData", () => {
  it("times every way on the same clips, and says why the reference's could not run", async () => {
    const manifest = await openManifest(join(folder, "manifest.jsonl"));
    const options = { manifest, name: "manifest.jsonl", ffmpeg, slowClips: 3, rounds: 1, workers: 1 };
    const { rows, logMel, missing } = await benchData({ ...options, python: "no-such-python" });
    expect(rows.map(({ way, clips }) => [way, clips])).toEqual([
      ["prepare", 5],
      ["load", 5],
      ["decode-every-epoch", 3],
    ]);
    for (const { clips, seconds, clipsPerSecond } of rows) expect(clipsPerSecond).toBeCloseTo(clips / seconds);
    if (process.platform === "linux") expect(rows[0].busy).toBeGreaterThan(0);
    expect(logMel.ours).toBeGreaterThan(0);
    expect(logMel.torchaudio).toBeUndefined();
    expect(missing.reference).toMatch(/no-such-python could not run it: .*ENOENT.*--python/);
  });

  it("names the folder in which nothing can be timed", async () => {
    const empty = join(folder, "empty");
    await mkdir(empty);
    const options = { manifest: await openManifest(empty), name: empty, ffmpeg, slowClips: 3, rounds: 1, workers: 1 };
    const all = benchData({ ...options, python: "no-such-python", onRow: () => expect.fail("nothing was timed") });
    await expect(all).rejects.toThrow(`${empty}: there are no clips in it that could be used`);
  });
});
