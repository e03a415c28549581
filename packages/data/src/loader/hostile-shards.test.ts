import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resample } from "../audio/resample.js";
import { encodeWav } from "../media/encode-wav.js";
import { longestJson } from "../shards/sample-notes.js";
import { packTar, type TarEntry, tarEnd } from "../shards/tar.js";
import { decodePicture, decodeStill, encodePicture, mostPixels } from "../visual/encode-picture.js";
import { readShards } from "./read-shards.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-hostile-"));
});
afterAll(() => rm(folder, { recursive: true }));

const utf8 = (text: string) => new TextEncoder().encode(text);
const wav = (samples: number, sampleRate: number) => encodeWav({ samples: new Float32Array(samples), sampleRate });
const small = () =>
  encodePicture({ width: 7, height: 5, time: 0, data: new Uint8Array(105).fill(90) }, { kind: "ppm" });

/** What comes of reading a shard of these files: the error's words, or how many clips. */
async function outcome(files: readonly TarEntry[]): Promise<string> {
  const path = join(folder, "000000.tar");
  await writeFile(path, Buffer.concat([packTar(files), tarEnd]));
  return outcomeOf(path);
}

async function outcomeOf(path: string): Promise<string> {
  try {
    const reading = await readShards(path);
    let clips = 0;
    for await (const { frames } of reading.clips()) clips += frames.length > 0 ? 1 : 0;
    return `${clips} clips`;
  } catch (error) {
    return (error as Error).message;
  }
}

const sample = async (changed: Readonly<Record<string, Uint8Array>>): Promise<TarEntry[]> =>
  Object.entries({
    "a.wav": wav(16000, 16000),
    "a.0.jpg": await small(),
    "a.json": utf8('{"id":"a","labels":[]}'),
    ...changed,
  }).map(([name, data]) => ({ name, data }));

/** A PNG whose header claims a size, checksums included; its pixels are missing. */
function hugePng(width: number, height: number): Uint8Array {
  const table = Int32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    let crc = -1;
    for (const byte of body) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeInt32BE(~crc);
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const marks = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([marks, chunk("IHDR", header), chunk("IDAT", Buffer.alloc(20)), chunk("IEND", Buffer.alloc(0))]);
}

const svg = utf8(
  `<svg xmlns="http://www.w3.org/2000/svg" width="5000" height="5000"><filter id="f"><feGaussianBlur stdDeviation="900"/></filter>${'<rect width="5000" height="5000" filter="url(#f)"/>'.repeat(400)}</svg>`,
);

describe("a shard from a stranger", () => {
  it("is read where it is sound", async () => {
    expect(await outcome(await sample({}))).toBe("1 clips");
  });

  it.each<[string, () => Readonly<Record<string, Uint8Array>>, string | RegExp]>([
    [
      "an SVG named .jpg",
      () => ({ "a.0.jpg": svg }),
      "it is not a JPEG, PNG, WebP or PPM file, whatever its name says",
    ],
    ["a PDF named .jpg", () => ({ "a.0.jpg": utf8("%PDF-1.7 …") }), "it is not a JPEG, PNG, WebP or PPM file"],
    [
      "a picture of 10¹⁰ pixels",
      () => ({ "a.0.jpg": hugePng(100_000, 100_000) }),
      /picture 0: the picture cannot be read \(.*pixel/,
    ],
    ["sound of 1 Hz", () => ({ "a.wav": wav(60_000, 1) }), "it claims a rate of 1 Hz, and 1000 to 384000 Hz are read"],
    [
      "two hours of sound",
      () => ({ "a.wav": wav(7200 * 1000, 1000) }),
      "its sound lasts 7200 s, and 3600 are the most",
    ],
    [
      "a json of 2 MB",
      () => ({ "a.json": new Uint8Array(2 * longestJson).fill(0x20) }),
      /passed over: sample in a tar without json that can be read 1/,
    ],
    [
      "times that are none",
      () => ({ "a.json": utf8('{"times":["x"]}') }),
      "sample in a tar without json that can be read 1",
    ],
    [
      "a log-mel of −1 × −4",
      () => ({ "a.json": utf8('{"logMel":{"shape":[-1,-4]}}') }),
      "sample in a tar without json that can be read 1",
    ],
  ])("may not hold %s", async (_, changed, message) => {
    const began = process.cpuUsage();
    expect(await outcome(await sample(changed()))).toMatch(message);
    // Some work and no more: drawing the SVG alone takes half a minute.
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it("may not hold what a person may ask with", async () => {
    const pixels = { width: 3, height: 2, channels: 3 as const };
    const picture = sharp(Buffer.alloc(18, 80), { raw: pixels });
    for (const file of [
      await picture.gif().toBuffer(),
      await picture.tiff().toBuffer(),
      await picture.avif().toBuffer(),
    ]) {
      const { width, height } = await decodeStill(file, "asked.gif");
      expect([width, height]).toEqual([3, 2]);
      await expect(decodePicture(file, "0.jpg")).rejects.toThrow("it is not a JPEG, PNG, WebP or PPM file");
    }
    await expect(decodeStill(svg, "asked.gif")).rejects.toThrow(
      "it is not a JPEG, PNG, WebP, PPM, GIF, TIFF or AVIF file",
    );
  });

  it("may not fill the memory with many large pictures", async () => {
    const large = { width: 6000, height: 6000, time: 0, data: new Uint8Array(108_000_000).fill(60) };
    const jpeg = await encodePicture(large, { kind: "jpeg", quality: 50 });
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`a.${at}.jpg`, jpeg]));
    const before = process.memoryUsage().rss;
    expect(await outcome(await sample(many))).toMatch(/sample a, picture 5: the picture cannot be read \(.*pixel/);
    expect(process.memoryUsage().rss - before).toBeLessThan(1.2e9);
    await expect(decodePicture(jpeg, "x", 0, mostPixels - 1)).rejects.toThrow("pixel");
  });

  it("may not hold a sample of more than a GiB, told by its headers or by a record beside it", async () => {
    const path = join(folder, "long.tar");
    const good = packTar(await sample({}));
    // Two members of 0.6 GB that are mostly holes on the disk: neither is read.
    const long = (name: string) => {
      const header = packTar([{ name, data: new Uint8Array(0) }]);
      header.set(utf8((6e8).toString(8).padStart(11, "0")), 124);
      header.set(utf8("        "), 148);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
      return header;
    };
    const span = 512 + Math.ceil(6e8 / 512) * 512;
    const file = await open(path, "w");
    await file.write(long("big.wav"), 0, 512, 0);
    await file.write(long("big.0.jpg"), 0, 512, span);
    await file.write(Buffer.concat([good, tarEnd]), 0, good.length + tarEnd.length, 2 * span);
    await file.close();
    const reading = await readShards(path);
    expect(reading.items.map(({ id }) => id)).toEqual(["a"]);
    expect(reading.passedOver["sample in a tar of more than 1 GiB"]).toEqual({ count: 1, first: [`${path}: big`] });
    await reading.close();
    expect(await outcomeOf(path)).toBe("1 clips");
    // A stranger's record that claims more is not believed: the shard is read through.
    const record = (bytes: number) =>
      JSON.stringify({ samples: [{ key: "a", id: "from the record", labels: [], offset: 2 * span, bytes }] });
    await writeFile(join(folder, "long.json"), record(2 ** 45));
    const believed = await readShards(path);
    expect(believed.items.map(({ id }) => id)).toEqual(["a"]);
    await believed.close();
    await writeFile(join(folder, "long.json"), record(good.length));
    const sound = await readShards(path);
    expect(sound.items.map(({ id }) => id)).toEqual(["from the record"]);
    await sound.close();
    await rm(path);
  });

  it.each(["pax", "gnu"])("may not hold names of 4 MB (%s)", async (kind) => {
    const name = `${"n".repeat(4_000_000)}.json`;
    const path = join(folder, `${kind}.tar`);
    if (kind === "pax") {
      const other = pack();
      other.entry({ name }, "{}");
      other.finalize();
      const parts: Buffer[] = [];
      for await (const part of other) parts.push(part as Buffer);
      await writeFile(path, Buffer.concat(parts));
    } else {
      const record = packTar([{ name: "././@LongLink", data: utf8(name) }]);
      record[156] = "L".charCodeAt(0);
      record.set(utf8("        "), 148);
      const sum = record.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      record.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
      await writeFile(path, Buffer.concat([record, packTar([{ name: "x.json", data: utf8("{}") }]), tarEnd]));
    }
    expect(await outcomeOf(path)).toMatch(/it holds a name of 40000\d\d bytes, and 65536 are the most a file can have/);
  });

  it("may not name two rates whose filters would fill the memory", () => {
    const sound = (sampleRate: number) => ({ samples: new Float32Array(1000), sampleRate });
    expect(() => resample(sound(383_987), 16_000)).toThrow("takes 16000 filters of 800 weights");
    for (const usual of [8000, 11_025, 22_050, 44_100, 47_952, 48_000, 96_000, 192_000, 352_800, 384_000]) {
      expect(resample(sound(usual), 16_000).sampleRate).toBe(16_000);
    }
  });
});
