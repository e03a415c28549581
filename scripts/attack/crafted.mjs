/** Crafted files: each is small, and asks for much. A reader must refuse it in words, within seconds and bounded memory. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as craft from "./craft.mjs";

/** Most processor time of a child, seconds, Node's start and imports included, and its largest resident set, MB. */
const most = { seconds: 12, megabytes: 700 };

const child = fileURLToPath(new URL("read-one.mjs", import.meta.url));
const read = (how, path) =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [child, how, path],
      { timeout: 180_000, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout));
        } catch {
          resolve({
            read: false,
            words: false,
            message: `it did not end: ${error?.signal ?? error?.code} ${stderr}`.slice(0, 600),
          });
        }
      },
    );
  });

const json = (value) => Buffer.from(JSON.stringify(value));
const clip = ({ wav = craft.wav({}), picture, name = "0.jpg", notes = { id: "a", labels: ["a"], times: [0] } }) =>
  craft.tar([
    { name: "a.wav", data: wav },
    { name: `a.${name}`, data: picture },
    { name: "a.json", data: json(notes) },
  ]);

/** Which file, how it is read, its bytes. */
const checkpoints = [
  ["a pickle whose key is a tuple that doubles itself", craft.torch(craft.doublingKey())],
  ["a pickle with a number of a million bytes", craft.torch(craft.longNumber())],
  ["a pickle of lists 200,000 deep", craft.torch(craft.deepList())],
  ["a pickle that runs code", craft.torch(craft.runsCode())],
  ["2,000 views of one storage of 4 MB", craft.torch(craft.overlappingViews(2000), Buffer.alloc(2 ** 22))],
  ["views that are larger than their storage", craft.torch(craft.overlappingViews(3, 2 ** 30))],
  ["an archive of nothing", craft.zip({})],
  ["a header that claims 2⁶³ bytes", craft.safetensors("{}", Buffer.alloc(0), 2n ** 63n)],
  ["a header that is a web page", craft.safetensors("<html></html>")],
  [
    "a tensor of 10¹⁵ numbers",
    craft.safetensors({ a: { dtype: "F32", shape: [1e8, 1e7], data_offsets: [0, 4] } }, Buffer.alloc(4)),
  ],
  [
    "tensors that overlap",
    craft.safetensors(
      { a: { dtype: "F32", shape: [2], data_offsets: [0, 8] }, b: { dtype: "F32", shape: [2], data_offsets: [4, 12] } },
      Buffer.alloc(12),
    ),
  ],
  [
    "a shape of negative sizes",
    craft.safetensors({ a: { dtype: "F32", shape: [-2, -2], data_offsets: [0, 16] } }, Buffer.alloc(16)),
  ],
  ["header JSON 100,000 deep", craft.safetensors(`{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`)],
];
const sizes = {
  embedDim: 64,
  heads: 4,
  modalityDepth: 2,
  jointDepth: 1,
  decoderDim: 32,
  decoderHeads: 2,
  decoderDepth: 1,
  layerNormEpsilon: 1e-5,
  positions: "fixed",
};
const grids = {
  audio: { rows: 4, columns: 12, patch: 16, channels: 1 },
  visual: { rows: 8, columns: 8, patch: 8, channels: 3 },
};
const claims = (changes) => {
  const metadata = {
    config: JSON.stringify({ ...sizes, ...grids, ...changes }),
    statistics: '{"mean":0,"std":1}',
    experiment: "{}",
  };
  return craft.safetensors(
    { __metadata__: metadata, a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } },
    Buffer.alloc(4),
  );
};
const models = [
  ["a model that claims jointDepth 10⁹", claims({ jointDepth: 1e9 })],
  ["a model that claims decoderDepth 10⁹", claims({ decoderDepth: 1e9 })],
  ["a model that claims embedDim 4·10⁹", claims({ embedDim: 4e9 })],
  ["a model that claims a grid of 10⁹ patches", claims({ audio: { rows: 1e5, columns: 1e5, patch: 16, channels: 1 } })],
];
const shards = [
  ["a drawing named .jpg", clip({ picture: craft.drawing() })],
  ["a WAV of 1 Hz", clip({ wav: craft.wav({ rate: 1 }), picture: craft.drawing() })],
  ["a WAV of 4 GHz", clip({ wav: craft.wav({ rate: 4e9 }), picture: craft.drawing() })],
  ["a WAV of 65,535 channels", clip({ wav: craft.wav({ channels: 65535, bits: 8 }), picture: craft.drawing() })],
  [
    "a name of 4 MB",
    craft.tar([
      { name: "x", kind: "x", data: Buffer.from(`4194320 path=${"a/".repeat(2 ** 21)}.json\n`) },
      { name: "x", data: json({}) },
    ]),
  ],
  [
    "a sample's JSON 100,000 deep",
    craft.tar([{ name: "a.json", data: Buffer.from(`${"[".repeat(1e5)}${"]".repeat(1e5)}`) }]),
  ],
  ["no tar at all", Buffer.alloc(5000, "no tar ")],
];
const sets = [
  ["a set that names ../x.tar", '{"format":1,"shards":[{"tar":"../x.tar"}]}'],
  ["a set that is a web page", "<!doctype html><title>Not found</title>"],
  ["a set that is cut short", '{"format":1,"shards":[{"tar":"a.'],
  ["a set that is JSON 100,000 deep", `{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`],
];

export async function runCrafted(ground, { say }) {
  const folder = join(ground.folder, "crafted");
  await mkdir(folder, { recursive: true });
  const all = [
    ...checkpoints.map(([what, bytes]) => ({ what, how: "checkpoint", bytes })),
    ...models.map(([what, bytes]) => ({ what, how: "model", bytes })),
    ...shards.flatMap(([what, bytes]) =>
      ["shard", "loader"].map((how) => ({ what: `${what} (${how})`, how, bytes, name: "a.tar" })),
    ),
    ...sets.map(([what, bytes]) => ({ what, how: "shard", bytes, name: "dataset.json", folder: true })),
  ];
  const results = [];
  for (const [number, { what, how, bytes, name = "file", folder: whole }] of all.entries()) {
    const place = join(folder, `${number}`);
    await mkdir(place);
    await writeFile(join(place, name), bytes);
    const outcome = await read(how, whole ? place : join(place, name));
    const bounded = outcome.seconds <= most.seconds && outcome.megabytes <= most.megabytes;
    // What asks for nothing any more may also be read.
    const held = bounded && (outcome.read || outcome.words);
    results.push({ what, held, ...outcome });
    say(`files ${results.length}/${all.length}, held ${results.filter((one) => one.held).length}`);
  }
  return results;
}
