/**
 * Mutations: a byte changed, a bit flipped, a stretch cut, doubled or overwritten, in every kind of file that is read.
 * A reader must say what is wrong (a KdcError), and where the file has a checksum it may also read, but then every value
 * must be what it was.
 */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dist, randomFrom } from "./ground.mjs";

/** A changed copy of bytes, never the same. */
function mutate(bytes, random) {
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  const length = 1 + random.below(Math.min(64, copy.length - at));
  switch (random.below(6)) {
    case 0:
      copy[at] ^= 1 << random.below(8);
      return copy;
    case 1:
      copy[at] = (copy[at] + 1 + random.below(255)) & 255;
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
    case 4:
      return Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)]);
    default: {
      let changed = false;
      for (let i = at; i < at + length; i++) {
        const value = random.below(256);
        changed ||= value !== copy[i];
        copy[i] = value;
      }
      if (!changed) copy[at] ^= 1;
      return copy;
    }
  }
}

const plain = (value) =>
  JSON.stringify(value, (_, part) =>
    ArrayBuffer.isView(part) ? Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("base64") : part,
  );

/** The kinds of files: `prepare` gives a file and a reader of it; `summed` where a checksum stands over all that counts. */
async function kindsOf(ground, folder) {
  const data = await import(dist("packages/data/dist/node.js"));
  const model = await import(dist("packages/model/dist/node.js"));
  const { openPlainStore } = await import(dist("apps/trainer/dist/pipeline/search/plain-store.js"));
  const { loadModel } = await import(dist("apps/trainer/dist/index.js"));
  const set = join(folder, "set");
  const index = join(folder, "index");
  const whole = async (from, to) => {
    await mkdir(to, { recursive: true });
    for (const name of await readdir(from)) if (!name.startsWith(".")) await copyFile(join(from, name), join(to, name));
  };
  await whole(ground.prepared, set);
  await whole(join(ground.folder, "undisturbed-index"), index);
  const readSet = async () => {
    const reader = await data.readShards(set);
    try {
      const clips = [];
      for await (const clip of reader.clips()) clips.push(clip);
      return [reader.logMel, reader.quarantined, clips];
    } finally {
      await reader.close();
    }
  };
  const readIndex = async () => {
    const store = await openPlainStore(index);
    try {
      const found = [store.about];
      const query = Float32Array.from({ length: store.about.width }, (_, at) => Math.cos(at));
      for (const stream of ["audio", "visual", "joint"]) found.push(await store.nearest(stream, query, 1000));
      return found;
    } finally {
      await store.close();
    }
  };
  const small = join(folder, "small.safetensors");
  const random = randomFrom(5);
  const numbers = Float32Array.from({ length: 300 }, () => random.next());
  await model.writeTensors(small, { a: { dtype: "float32", shape: [10, 30], data: numbers } }, { notes: "a note" });
  const segment = (await readdir(index)).find((name) => name.endsWith(".safetensors"));
  const wav = join(folder, "clip.wav");
  const { decodeWav } = data;
  const sample = Buffer.alloc(44 + 800);
  sample.write("RIFF", 0);
  sample.writeUInt32LE(36 + 800, 4);
  sample.write("WAVEfmt ", 8);
  for (const [at, value, wide] of [
    [16, 16, 4],
    [20, 1, 2],
    [22, 1, 2],
    [24, 16000, 4],
    [28, 32000, 4],
    [32, 2, 2],
    [34, 16, 2],
  ])
    sample[wide === 4 ? "writeUInt32LE" : "writeUInt16LE"](value, at);
  sample.write("data", 36);
  sample.writeUInt32LE(800, 40);
  await writeFile(wav, sample);
  return [
    { name: "safetensors", file: small, summed: true, weight: 8, read: () => model.readCheckpoint(small) },
    {
      name: "model",
      file: copyOf(ground.model, join(folder, "model")),
      summed: true,
      weight: 2,
      read: () => loadModel(join(folder, "model")),
    },
    { name: "dataset.json", file: join(set, "dataset.json"), summed: true, weight: 1, read: readSet },
    { name: "record of a shard", file: join(set, "shard-000001.json"), summed: true, weight: 1, read: readSet },
    { name: "shard", file: join(set, "shard-000001.tar"), summed: true, weight: 1, read: readSet },
    { name: "index.json", file: join(index, "index.json"), summed: true, weight: 3, read: readIndex },
    { name: "segment of an index", file: join(index, segment), summed: true, weight: 3, read: readIndex },
    { name: "WAV", file: wav, summed: false, weight: 4, read: async () => decodeWav(await readFile(wav), wav) },
  ];
}
const copyOf = (from, to) => copyFile(from, to).then(() => to);

export async function runMutations(ground, { count, seed, say }) {
  const folder = join(ground.folder, "mutations");
  await mkdir(folder, { recursive: true });
  const kinds = await kindsOf(ground, folder);
  const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
  const results = [];
  for (const [number, { name, file: given, summed, weight, read }] of kinds.entries()) {
    const file = await given;
    const original = await readFile(file);
    const right = plain(await read());
    const random = randomFrom(seed + 104729 * number);
    const rounds = Math.max(1, Math.round((count * weight) / weights));
    const tally = { refused: 0, same: 0, read: 0 };
    const wrong = [];
    let slowest = 0;
    for (let round = 0; round < rounds; round++) {
      await writeFile(file, mutate(original, random));
      const began = performance.now();
      try {
        const found = plain(await read());
        if (found === right) tally.same++;
        else if (!summed) tally.read++;
        else wrong.push({ round, what: "other values were read" });
      } catch (error) {
        if (error?.name === "KdcError") tally.refused++;
        else wrong.push({ round, what: String(error?.stack ?? error).slice(0, 600) });
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    await writeFile(file, original);
    results.push({
      name,
      rounds,
      ...tally,
      wrong: wrong.length,
      slowestMs: Math.round(slowest),
      examples: wrong.slice(0, 3),
    });
    say(`mutations: ${name} ${rounds}, wrong ${wrong.length}`);
  }
  return results;
}
