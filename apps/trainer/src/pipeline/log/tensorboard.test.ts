import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@kdc-mae/core/node";
import { encodePng } from "@kdc-mae/eval/report";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunRecord } from "./run-logger.js";
import { recordBytes, tensorBoardLogger } from "./tensorboard.js";

const python = process.env.KDC_PYTHON ?? "python3";
const ready = spawnSync(python, ["-c", "import tensorboard"], { encoding: "utf8" });
const missing = ready.status === 0 ? undefined : (ready.error?.message ?? ready.stderr.trim().split("\n").at(-1));
if (missing !== undefined)
  console.info(`skipped: no tensorboard under ${python} (${missing}); name one with KDC_PYTHON`);

const same = (value: number) => ({ audio: value, visual: value + 1, joint: value + 2 });
const png = encodePng({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) });
const records: readonly RunRecord[] = [
  { time: 1_700_000_001_000, step: 0, kind: "begin", steps: 20, perEpoch: 10, machine: "m" },
  {
    ...{ time: 1_700_000_002_000, step: 10, kind: "steps", epoch: 0, losses: { total: 2.5, contrastive: 0.25 } },
    ...{ gradientNorms: [1, 2, 2, 4], learningRate: 0.001, lossScale: 2 ** 15, clipsPerSecond: 48, waiting: 0.125 },
    ...{ memory: 2 ** 31, secondsLeft: 1800 },
  },
  {
    ...{ time: 1_700_000_003_000, step: 10, kind: "probe", attentionEntropy: [0.5, 0.75], seconds: 1 },
    probe: {
      ...{ clips: 8, width: 16, rank: same(4), alignment: 1.5, uniformity: same(-3), deviation: same(0.5) },
      retrieval: { audioToVisual: 0.5, visualToAudio: 0.25, chance: 0.125 },
    },
  },
  {
    ...{ time: 1_700_000_004_000, step: 10, kind: "pictures" },
    pictures: [{ name: "clip: bell", file: "pictures/a.png", width: 2, height: 1 }],
  },
  {
    ...{ time: 1_700_000_005_000, step: 10, kind: "epoch" },
    entry: {
      ...{ epoch: 0, step: 10, learningRate: 0.001, seconds: 1, losses: { total: 3 } },
      evaluation: { accuracy: 0.75, mAP: null },
    },
  },
  { time: 1_700_000_006_000, step: 20, kind: "end", state: "finished" },
];

let root = "";
let events = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-tensorboard-"));
  await mkdir(join(root, "pictures"));
  await writeFile(join(root, "pictures", "a.png"), png);
  events = join(root, "tensorboard");
  const logger = tensorBoardLogger(events, () => 1_700_000_000_000);
  await logger.begin({ name: "run", folder: root, experiment: {}, step: 0, steps: 20, machine: "m" });
  for (const record of records) await logger.log(record);
  await logger.close();
});
afterAll(() => rm(root, { recursive: true }));

/** RFC 3720, B.4; and the sum of what every CRC is told by. */
describe("CRC-32C", () => {
  it.each([
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    [new TextEncoder().encode("123456789"), 0xe3069283],
  ])("%#", (bytes, sum) => expect(crc32c(bytes)).toBe(sum));
});

/** Records of a file, by a reader of its own: lengths and both sums are looked at, bit by bit of the definition. */
function read(file: Buffer): Buffer[] {
  const sumOf = (bytes: Uint8Array): number => {
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
    const sum = ~crc >>> 0;
    return (Math.floor(sum / 2 ** 15) + (sum % 2 ** 15) * 2 ** 17 + 0xa282ead8) % 2 ** 32;
  };
  const found: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(sumOf(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(sumOf(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

type Field = { readonly field: number; readonly value: number | Buffer };
/** Fields of a message of any kind. */
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [tag >>> 3, tag & 7];
    if (wire === 0) fields.push({ field, value: varint() });
    if (wire === 1) fields.push({ field, value: bytes.readDoubleLE(at) });
    if (wire === 5) fields.push({ field, value: bytes.readFloatLE(at) });
    if (wire === 1) at += 8;
    if (wire === 5) at += 4;
    if (wire === 2) {
      const length = varint();
      fields.push({ field, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}
const only = (bytes: Buffer, wanted: number) => fieldsOf(bytes).find(({ field }) => field === wanted)?.value;

describe("event files", () => {
  it("hold records with both sums; a changed byte is seen", () => {
    const record = Buffer.from(recordBytes(Uint8Array.of(1, 2, 3)));
    expect(read(record)).toEqual([Buffer.of(1, 2, 3)]);
    record[13] ^= 1;
    expect(() => read(record)).toThrow();
  });

  it("hold every number, histogram and picture, decoded by hand", async () => {
    const [name, ...others] = await readdir(events);
    expect(others).toEqual([]);
    expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
    const messages = read(await readFile(join(events, name)));
    expect(only(messages[0], 3)?.toString()).toBe("brain.Event:2");
    const values = messages.slice(1).flatMap((event) => {
      const summary = only(event, 5) as Buffer;
      return fieldsOf(summary).map(({ value }) => ({
        ...{
          time: only(event, 1),
          step: only(event, 2),
          tag: String(only(value as Buffer, 1)),
          value: value as Buffer,
        },
      }));
    });
    const numbers = Object.fromEntries(
      values.flatMap(({ tag, value }) => (only(value, 2) === undefined ? [] : [[tag, only(value, 2)]])),
    );
    expect(numbers).toMatchObject({
      ...{ "loss/total": 2.5, "loss/contrastive": 0.25, "train/gradientNorm": 2.25, "train/waiting": 0.125 },
      ...{ "machine/memoryGiB": 2, "machine/hoursLeft": 0.5, "train/clipsPerSecond": 48, "train/lossScale": 32768 },
      ...{ "epoch/total": 3, "evaluation/accuracy": 0.75, "probe/alignment": 1.5, "probe/rank/joint": 6 },
      ...{ "probe/retrieval/chance": 0.125, "probe/attentionEntropy/block1": 0.75, "probe/uniformity/visual": -2 },
    });
    expect(values.find(({ tag }) => tag === "loss/total")).toMatchObject({ time: 1_700_000_002, step: 10 });
    const histogram = only(values.find(({ tag }) => tag === "train/gradientNorms")!.value, 5) as Buffer;
    expect([1, 2, 3, 4, 5].map((field) => only(histogram, field))).toEqual([1, 4, 4, 9, 25]);
    const buckets = only(histogram, 7) as Buffer;
    const counts = Array.from({ length: buckets.length / 8 }, (_, at) => buckets.readDoubleLE(8 * at));
    expect(counts.filter((count) => count > 0)).toEqual([1, 2, 1]);
    const image = only(values.find(({ tag }) => tag === "clip: bell")!.value, 4) as Buffer;
    expect([only(image, 1), only(image, 2)]).toEqual([1, 2]);
    expect(Buffer.compare(only(image, 4) as Buffer, Buffer.from(png))).toBe(0);
  });

  it.skipIf(missing !== undefined)("are read by TensorBoard itself", () => {
    const program = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1], size_guidance={"images": 0, "scalars": 0, "histograms": 0}); a.Reload()
tags = a.Tags()
h = a.Histograms("train/gradientNorms")[0]
i = a.Images("clip: bell")[0]
s = a.Scalars("loss/total")[0]
print(json.dumps({"scalars": tags["scalars"], "loss": [s.wall_time, s.step, s.value],
  "histogram": [h.step, h.histogram_value.min, h.histogram_value.max, h.histogram_value.num, h.histogram_value.sum],
  "image": [i.width, i.height, len(i.encoded_image_string)]}))
`;
    const { status, stdout, stderr } = spawnSync(python, ["-c", program, events], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const seen = JSON.parse(stdout);
    expect(seen.loss).toEqual([1_700_000_002, 10, 2.5]);
    expect(seen.histogram).toEqual([10, 1, 4, 4, 9]);
    expect(seen.image).toEqual([2, 1, png.length]);
    expect(seen.scalars).toEqual(expect.arrayContaining(["loss/contrastive", "epoch/total", "probe/rank/audio"]));
  });
});
