import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logMel, padFrames } from "../audio/log-mel.js";
import { publishedAudio } from "../prepare-clip.js";
import { readShards } from "./read-shards.js";
import { shardStatistics } from "./shard-statistics.js";
import { frontEnd, writeSmallSet } from "./small-set.test.support.js";

let set = "";
let bare = "";
beforeAll(async () => {
  [set, bare] = [await mkdtemp(join(tmpdir(), "kdc-mae-stats-")), await mkdtemp(join(tmpdir(), "kdc-mae-stats-"))];
  await writeSmallSet(set);
  for (const n of [0, 1, 2, 3, 4]) await copyFile(join(set, `shard-00000${n}.tar`), join(bare, `${n}.tar`));
});
afterAll(async () => {
  for (const folder of [set, bare]) await rm(folder, { recursive: true });
});

/** By the definition: every value of the padded spectrograms of a split. */
async function byHand(audio: typeof frontEnd.audio, split: string) {
  const values: number[] = [];
  const reading = await readShards(set, { split });
  for await (const { waveform } of reading.clips()) {
    for (const value of padFrames(logMel(waveform, audio), audio.frames).data) values.push(value);
  }
  await reading.close();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

describe("shardStatistics", () => {
  it.each([
    ["the published front end", publishedAudio],
    ["another one", frontEnd.audio],
  ])("are those of the split's clips, with %s", async (_, audio) => {
    for (const split of ["train", "test"]) {
      const right = await byHand(audio, split);
      for (const where of [set, bare]) {
        const { mean, std } = await shardStatistics(where, { audio, split });
        expect(mean).toBeCloseTo(right.mean, 4);
        expect(std).toBeCloseTo(right.std, 4);
      }
    }
    const [train, test] = [await byHand(audio, "train"), await byHand(audio, "test")];
    expect(Math.abs(train.mean - test.mean)).toBeGreaterThan(1e-3);
  });

  it("of another front end are other numbers, and reading is told of", async () => {
    const told: number[] = [];
    const onProgress = ({ done }: { done: number }) => told.push(done);
    const own = await shardStatistics(set, { audio: frontEnd.audio, split: "train", onProgress });
    const published = await shardStatistics(set, { audio: publishedAudio, split: "train", onProgress });
    expect(told).toHaveLength(20);
    expect(Math.abs(own.mean - published.mean)).toBeGreaterThan(0.5);
  });
});
