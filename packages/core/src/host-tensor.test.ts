import { describe, expect, it } from "vitest";
import { float32, type HostTensor, hostTensorFault, int32 } from "./host-tensor.js";

describe("host tensors", () => {
  it("are zeros unless data is given", () => {
    expect(float32([2, 3])).toEqual({ dtype: "float32", shape: [2, 3], data: new Float32Array(6) });
    expect(int32([])).toEqual({ dtype: "int32", shape: [], data: new Int32Array(1) });
    expect(float32([2], Float32Array.of(3, 5)).data).toEqual(Float32Array.of(3, 5));
  });

  it("refuse numbers that are not as many as the shape says, or not in the right kind of array", () => {
    expect(() => float32([3], Float32Array.of(1, 2))).toThrow(
      "float32: the tensor of shape [3] holds 2 numbers, not 3",
    );
    expect(() => float32([2], [1, 2] as unknown as Float32Array)).toThrow(
      "holds its numbers in Array, not Float32Array",
    );
    expect(() => int32([2], Float32Array.of(1, 2) as unknown as Int32Array)).toThrow("in Float32Array, not Int32Array");
    expect(() => float32([-1, 3])).toThrow("float32: the tensor of shape [-1, 3] has a size that is no whole number");
    expect(() => int32([1.5])).toThrow("has a size that is no whole number");
  });

  it("are told from tensors of tfjs, whose data is a method", () => {
    const tensor = { dtype: "float32", shape: [2], data: async () => Float32Array.of(1, 2) };
    expect(hostTensorFault(tensor as unknown as HostTensor)).toBe("is a tensor of tfjs, not one in ordinary memory");
    expect(hostTensorFault(float32([2]))).toBeUndefined();
  });
});
