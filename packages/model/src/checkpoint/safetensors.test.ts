import { float32, type HostTensor, int32 } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { parseSafetensors, safetensorsChunks, safetensorsHeader } from "./safetensors.js";

const tensors: Record<string, HostTensor> = {
  "a.weight": float32([2, 3], Float32Array.of(1, -2.5, 3e-41, -0, Number.NaN, 6)),
  steps: int32([], Int32Array.of(-7)),
  empty: float32([0, 5]),
};

/** A file from a header in plain text and as many zero bytes. */
function file(header: string, dataLength: number, claimed?: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.byteLength + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (dtype: unknown, shape: unknown, offsets: unknown) =>
  JSON.stringify({ x: { dtype, shape, data_offsets: offsets } });

describe("safetensors", () => {
  it("gives back what was written, to the bit", () => {
    const bytes = Buffer.concat(safetensorsChunks(tensors, { made: "here" }));
    const read = parseSafetensors(bytes);
    expect(read.metadata).toEqual({ made: "here" });
    expect(Object.keys(read.tensors)).toEqual(Object.keys(tensors));
    for (const [name, tensor] of Object.entries(tensors)) {
      expect([name, read.tensors[name].dtype, read.tensors[name].shape]).toEqual([name, tensor.dtype, tensor.shape]);
      expect(Buffer.from(read.tensors[name].data.buffer)).toEqual(Buffer.from(tensor.data.buffer));
    }
  });

  it("starts the data at a multiple of 8", () => {
    const [first, json] = safetensorsChunks({ odd: int32([1]) });
    expect((first.byteLength + json.byteLength) % 8).toBe(0);
  });

  it("refuses to write metadata that are no text, which no reader would take", () => {
    const metadata = { step: 3 } as unknown as Record<string, string>;
    for (const write of [() => safetensorsChunks(tensors, metadata), () => safetensorsHeader([], metadata)]) {
      expect(write).toThrow("safetensors: the metadata step is 3, and a file with anything but text there");
    }
  });

  it("refuses to write numbers that do not fit their shape", () => {
    const refuse = (w: unknown, message: string) =>
      expect(() => safetensorsChunks({ w } as Record<string, HostTensor>)).toThrow(message);
    refuse({ dtype: "float32", shape: [2], data: new Float64Array(2) }, "w holds its numbers in Float64Array");
    refuse(
      { bias: float32([2]) },
      "w is no host tensor. Give host tensors by their names; Object.fromEntries(treeLeaves",
    );
    expect(() => safetensorsChunks({ w: { ...float32([2, 3]), data: new Float32Array(5) } })).toThrow(
      "safetensors: w holds 5 numbers, not 6",
    );
  });

  it("treats odd names as names", () => {
    const named = parseSafetensors(file('{"__proto__":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 2));
    expect(Object.keys(named.tensors)).toEqual(["__proto__"]);
  });

  it("takes metadata of null as none", () => {
    expect(parseSafetensors(file('{"__metadata__":null}', 0))).toEqual({ tensors: {}, metadata: {} });
  });

  it("writes odd names as names", () => {
    const odd = Object.fromEntries([["__proto__", int32([1])]]);
    expect(Object.keys(parseSafetensors(Buffer.concat(safetensorsChunks(odd))).tensors)).toEqual(["__proto__"]);
  });

  it.each([
    ["too short", new Uint8Array(5), /5 bytes, too few for a header/],
    ["a header longer than the file", file("{}", 0, 900), /header claims 900 bytes, but the file has 10/],
    ["a huge header", file("{}", 0, 2 ** 52), /header claims 4503599627370496 bytes/],
    ["no JSON", file("{nope", 0), /header is not JSON/],
    ["a list", file("[1]", 0), /header is not a JSON object/],
    ["metadata that is not text", file('{"__metadata__":{"n":3}}', 0), /metadata is not an object of strings/],
    [
      "eight-bit floats, as a type",
      file(entry("F8_E4M3", [1], [0, 1]), 1),
      /x holds numbers of type F8_E4M3, and this type is/,
    ],
    [
      "unsigned words, as a type",
      file(entry("U32", [1], [0, 4]), 4),
      /of type U32, and this type is not read. Save it as/,
    ],
    [
      "complex numbers, as a type",
      file(entry("C64", [1], [0, 8]), 8),
      /x holds numbers of type C64, and this type is not/,
    ],
    [
      "what is no type",
      file(entry("f32!", [1], [0, 4]), 4),
      /x has number type "f32!", which is not a known one. The file is damaged/,
    ],
    ["a type from the prototype", file(entry("constructor", [1], [0, 1]), 1), /number type "constructor"/],
    ["a negative length", file(entry("U8", [-1], [0, 1]), 1), /x has shape \[-1\]/],
    ["half an offset", file(entry("U8", [1], [0]), 1), /x has data_offsets \[0\]/],
    [
      "a shape that needs more bytes",
      file(entry("F32", [3, 5], [0, 8]), 8),
      /x is F32 \[3, 5\] and needs 60 bytes, but has 8/,
    ],
    ["a hole", file(entry("U8", [2], [1, 3]), 3), /x starts at byte 1, expected 0/],
    ["bytes nobody owns", file(entry("U8", [2], [0, 2]), 3), /describes 2 bytes of data, but there are 3/],
    ["a truncated end", file(entry("U8", [4], [0, 4]), 3), /describes 4 bytes of data, but there are 3/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });
});
