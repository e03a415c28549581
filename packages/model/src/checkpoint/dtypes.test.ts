import { describe, expect, it } from "vitest";
import { type CheckpointDtype, fromBytes } from "./dtypes.js";

const bytes = (...groups: number[][]) => Uint8Array.from(groups.flat());

// Little-endian encodings, as numpy and torch write them.
const halves = bytes([0x00, 0x3c], [0x00, 0xc0], [0xff, 0x7b], [0x01, 0x00], [0x00, 0x7c], [0x55, 0x35], [0x00, 0x80]);
const brains = bytes([0x80, 0x3f], [0x49, 0x40], [0x80, 0xff], [0x00, 0x00]);

describe("fromBytes", () => {
  it("reads half precision: one, negative, largest, smallest, infinite, a third, minus zero", () => {
    const { data } = fromBytes(halves, "F16", [7], "h");
    expect(Array.from(data)).toEqual([1, -2, 65504, 2 ** -24, Number.POSITIVE_INFINITY, 0.333251953125, -0]);
  });

  it("reads bfloat16", () => {
    expect(Array.from(fromBytes(brains, "BF16", [4], "b").data)).toEqual([1, 3.140625, Number.NEGATIVE_INFINITY, 0]);
  });

  it.each([
    ["F64", new Uint8Array(Float64Array.of(1 / 3, -2).buffer), "float32", [Math.fround(1 / 3), -2]],
    ["I64", new Uint8Array(BigInt64Array.of(-7n, 2147483647n).buffer), "int32", [-7, 2147483647]],
    ["I16", new Uint8Array(Int16Array.of(-300, 5).buffer), "int32", [-300, 5]],
    ["I8", bytes([0xff, 3]), "int32", [-1, 3]],
    ["U8", bytes([0xff, 3]), "int32", [255, 3]],
    ["BOOL", bytes([1, 0]), "int32", [1, 0]],
  ] as [CheckpointDtype, Uint8Array, string, number[]][])("reads %s", (type, stored, dtype, values) => {
    const tensor = fromBytes(stored, type, [1, 2], "x");
    expect([tensor.dtype, tensor.shape, Array.from(tensor.data)]).toEqual([dtype, [1, 2], values]);
  });

  it("keeps float32 to the bit wherever the bytes lie, even for a Node buffer", () => {
    const stored = Buffer.concat([Buffer.from([9]), new Uint8Array(Uint32Array.of(0x7fc00123, 0x80000000).buffer)]);
    const { data } = fromBytes(stored.subarray(1), "F32", [2], "x");
    expect(Array.from(new Uint32Array(data.buffer))).toEqual([0x7fc00123, 0x80000000]);
    expect(data.byteLength).toBe(data.buffer.byteLength);
  });

  it("refuses whole numbers that do not fit", () => {
    const large = new Uint8Array(BigInt64Array.of(1n, 2147483648n).buffer);
    expect(() => fromBytes(large, "I64", [2], "steps")).toThrow(
      "steps holds 2147483648, which does not fit in 32 bits",
    );
  });
});
