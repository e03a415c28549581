import { Readable } from "node:stream";
import { createRng } from "@kdc-mae/core";
import { extract, pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { countPassedOver } from "../manifest/passed-over.js";
import { readSample } from "./sample.js";
import { scanShard } from "./shard-index.js";
import { packTar, tarEnd, unpackTar } from "./tar.js";

const rng = createRng("tar");
const data = (length: number) => Uint8Array.from({ length }, () => rng.integer(256));
const entries = [
  { name: "000_a.wav", data: data(1031) },
  { name: "000_a.0.jpg", data: data(512) },
  { name: "000_a.json", data: new TextEncoder().encode('{"id":"a","labels":["x","y"],"split":"test"}') },
  { name: "001_é.wav", data: data(0) },
  { name: "001_é.jpg", data: data(3) },
  { name: "001_é.cls", data: new TextEncoder().encode("7\n") },
];
const whole = Buffer.concat([packTar(entries), tarEnd]);
/** Chunks whose sizes have nothing to do with blocks. */
async function* chunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("tar", () => {
  it("is read by another library, with fixed owner, mode and time", async () => {
    const got: { name: string; data: Uint8Array }[] = [];
    const parser = extract();
    Readable.from([whole]).pipe(parser);
    for await (const entry of parser) {
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      got.push({ name: entry.header.name, data: new Uint8Array(Buffer.concat(parts)) });
      expect(entry.header).toMatchObject({ mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: "file" });
    }
    expect(got).toEqual(entries);
  });

  it("comes back, and always in the same bytes", () => {
    expect(unpackTar(whole, "here").map(({ name, data }) => ({ name, data: new Uint8Array(data) }))).toEqual(entries);
    expect(packTar(entries)).toEqual(packTar(entries));
  });

  it("of another library is read, long names too", async () => {
    const name = `${"folder-é/".repeat(30)}key.0.jpg`;
    const other = pack();
    other.entry({ name: "folder", type: "directory" });
    other.entry({ name }, Buffer.from("picture"));
    other.finalize();
    const parts: Buffer[] = [];
    for await (const part of other) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    expect(unpackTar(bytes, "here").map((entry) => [entry.name, String(entry.data)])).toEqual([[name, "picture"]]);
    const passed = countPassedOver();
    expect(await scanShard(chunks(bytes, 100), "here", passed.passOver)).toEqual([]);
    expect(passed.result()).toEqual({
      "sample in a tar without wav, json that can be read": {
        count: 1,
        first: [`here: ${name.slice(0, -6)} (0.jpg)`],
      },
    });
  });

  it("refuses what is damaged or cut short", async () => {
    const damaged = Uint8Array.from(whole);
    damaged[3]++;
    expect(() => unpackTar(damaged, "shard-1.tar")).toThrow(
      "shard-1.tar: a header in it is damaged, or it is not a tar file",
    );
    expect(() => unpackTar(whole.subarray(0, 1024), "s")).toThrow("000_a.wav is cut short");
    await expect(scanShard(chunks(whole.subarray(0, 1300), 7), "s")).rejects.toThrow("s: it is cut short");
    expect(() => packTar([{ name: "é".repeat(51), data: data(1) }])).toThrow("Give names of 1 to 100 bytes");
  });
});

describe("scanShard", () => {
  it.each([7, 512, 100_000])("finds every sample and what its JSON says, from chunks of %i bytes", async (size) => {
    const samples = await scanShard(chunks(whole, size), "here");
    expect(samples).toEqual([
      { key: "000_a", offset: 0, bytes: 4096, id: "a", labels: ["x", "y"], split: "test" },
      { key: "001_é", offset: 4096, bytes: 2560, id: "001_é", labels: ["7"] },
    ]);
    const [, second] = samples;
    const names = unpackTar(whole.subarray(second.offset, second.offset + second.bytes), "here").map(
      ({ name }) => name,
    );
    expect(names).toEqual(["001_é.wav", "001_é.jpg", "001_é.cls"]);
  });
});

describe("tars of others", () => {
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const sampleOf = (key: string, notes: unknown) => [
    { name: `${key}.wav`, data: data(9) },
    { name: `${key}.jpg`, data: data(7) },
    { name: `${key}.json`, data: json(notes) },
  ];
  const indexed = async (files: Parameters<typeof packTar>[0]) => {
    const bytes = Buffer.concat([packTar(files), tarEnd]);
    const passed = countPassedOver();
    const samples = await scanShard(chunks(bytes, 700), "t.tar", passed.passOver);
    const read = samples.map(({ offset, bytes: size }) => readSample(bytes.subarray(offset, offset + size), "t.tar"));
    return { samples, read, passed: passed.result() };
  };

  it.each([
    [{ label: "dog" }, ["dog"]],
    [{ label: 3 }, ["3"]],
    [{ label: ["dog", "cat; big"] }, ["dog", "cat; big"]],
    [{ labels: "dog;cat" }, ["dog", "cat"]],
    [{ labels: ["cafe\u0301"] }, ["caf\u00e9"]],
    [{}, []],
  ])("tell index and sample the same labels: %j", async (notes, labels) => {
    const { samples, read } = await indexed(sampleOf("k", { ...notes, split: "val" }));
    expect([samples[0].labels, samples[0].split]).toEqual([labels, "validation"]);
    expect([read[0].notes.labels, read[0].notes.split]).toEqual([labels, "validation"]);
  });

  it("made on macOS have members that are no samples'", async () => {
    const plain = [...sampleOf("./a", { label: "x" }), ...sampleOf("./b", { label: "y" })];
    const files = plain.flatMap((file) => [{ name: file.name.replace("./", "./._"), data: data(64) }, file]);
    const { samples, read, passed } = await indexed([{ name: "./.DS_Store", data: data(5) }, ...files]);
    expect(samples.map(({ key, labels }) => [key, labels])).toEqual([
      ["./a", ["x"]],
      ["./b", ["y"]],
    ]);
    expect(read.map(({ key, pictures }) => [key, pictures.length])).toEqual([
      ["./a", 1],
      ["./b", 1],
    ]);
    expect(passed["stray file in a tar"].count).toBe(7);
  });

  it("may hold samples that cannot be used, which are counted", async () => {
    const files = [
      ...sampleOf("a", { label: "x" }),
      ...sampleOf("b", { label: "x" }).slice(1),
      ...sampleOf("c", { label: "x" }).filter(({ name }) => !name.endsWith("jpg")),
      { name: "d.mp4", data: data(4) },
      ...sampleOf("e", [1]),
    ];
    const { samples, passed } = await indexed(files);
    expect(samples.map(({ key }) => key)).toEqual(["a"]);
    expect(
      Object.entries(passed).map(([reason, { count }]) => [reason.replace("sample in a tar ", ""), count]),
    ).toEqual([
      ["without wav", 1],
      ["without picture", 1],
      ["without wav, picture, json that can be read", 1],
      ["without json that can be read", 1],
    ]);
  });
});
