import { mkdir } from "node:fs/promises";
import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { disk, writeWhole } from "@kdc-mae/core/node";
import { publishedContent } from "../prepare/options.js";
import { packClip } from "../prepare/pack-clip.js";
import { startSummary } from "../prepare/summary.js";
import { writeShard } from "../prepare/write-shard.js";
import type { FrontEnd } from "../prepare-clip.js";
import { seal } from "../shards/sealed-json.js";

/** Small patches of small pictures and short sounds. */
export const frontEnd: FrontEnd = {
  audio: { sampleRate: 16000, melBins: 24, frameLengthMs: 25, frameShiftMs: 10, frames: 40, mean: -5, std: 4 },
  visual: { size: 24 },
  grids: { audio: audioGrid(40, 24, 8), visual: visualGrid(24, 8) },
};

/** How many clips each shard of the set has; clip n has the label `a` when n is divisible by 5, else `b`, and `c` when odd. */
export const shardSizes = [5, 3, 7, 1, 7];
export const clipCount = 23;

type Varied = {
  readonly unlabelled?: (n: number) => boolean;
  readonly split?: (n: number) => string | undefined;
  readonly id?: (n: number) => string;
};

/** Writes a set of 23 short clips in five shards, as `prepare` would; the last three are for testing. */
export async function writeSmallSet(folder: string, varied: Varied = {}): Promise<void> {
  const { unlabelled = () => false, split: splitOf = (n) => (n < 20 ? "train" : "test") } = varied;
  const idOf = varied.id ?? ((n) => `clip ${n}`);
  await mkdir(folder, { recursive: true });
  const content = { ...publishedContent, pictures: { kind: "ppm" } as const };
  const summary = startSummary(content);
  let n = 0;
  for (const [shard, size] of shardSizes.entries()) {
    const writer = await writeShard(folder, shard, "items", disk);
    for (const end = n + size; n < end; n++) {
      const rng = createRng(n);
      const samples = Float32Array.from({ length: 6500 + 10 * n }, () => rng.normal() / 10);
      const frames = [0, 0.2, 0.3].map((time) => ({
        width: 31,
        height: 27,
        time,
        data: Uint8Array.from({ length: 31 * 27 * 3 }, () => rng.integer(256)),
      }));
      const labels = unlabelled(n) ? [] : [n % 5 === 0 ? "a" : "b", ...(n % 2 ? ["c"] : [])];
      const named = splitOf(n);
      const split = named === undefined ? {} : { split: named };
      const item = { id: idOf(n), path: "x", labels, ...split };
      const key = `k${n}`;
      const packed = await packClip({ item, waveform: { samples, sampleRate: 16000 }, frames }, key, "x", content);
      await writer.add({ sample: { key, id: item.id, labels, ...split }, packed });
    }
    summary.add(await writer.finish());
  }
  await writeWhole(`${folder}/dataset.json`, seal(summary.finish()));
}
