/** Reads one file as it is told, and says on stdout what came of it: the child of crafted.mjs. */
import { dist } from "./ground.mjs";

const [, , how, path] = process.argv;
const readers = {
  checkpoint: async () => (await import(dist("packages/model/dist/node.js"))).readCheckpoint(path),
  model: async () => (await import(dist("apps/trainer/dist/index.js"))).loadModel(path),
  index: async () => (await import(dist("apps/trainer/dist/pipeline/search/plain-store.js"))).openPlainStore(path),
  shard: async () => {
    const { readShards } = await import(dist("packages/data/dist/node.js"));
    const reader = await readShards(path);
    try {
      for await (const _ of reader.clips());
    } finally {
      await reader.close();
    }
  },
  loader: async () => {
    const { openShards } = await import(dist("packages/data/dist/node.js"));
    const { audioGrid, visualGrid } = await import(dist("packages/core/dist/index.js"));
    const frontEnd = {
      audio: { sampleRate: 16000, melBins: 64, frameLengthMs: 25, frameShiftMs: 10, frames: 192, mean: -5, std: 4 },
      visual: { size: 64 },
      grids: { audio: audioGrid(192, 64, 16), visual: visualGrid(64, 8) },
    };
    const loader = await openShards(path, { batch: 1, frontEnd, seed: 1, workers: 0 });
    try {
      for await (const _ of loader.batches(0));
    } finally {
      await loader.close();
    }
  },
};
let outcome;
try {
  await readers[how]();
  outcome = { read: true };
} catch (error) {
  outcome = { read: false, words: error?.name === "KdcError", message: String(error?.message ?? error).slice(0, 300) };
}
const { user, system } = process.cpuUsage();
const { maxRSS } = process.resourceUsage();
process.stdout.write(JSON.stringify({ ...outcome, seconds: (user + system) / 1e6, megabytes: maxRSS / 1024 }));
process.exit(0);
