import { expect, it } from "vitest";
import { embedAll } from "./embed.js";
import { matrix } from "./matrix.js";

const double = async (batch: readonly number[]) => ({
  audio: matrix(batch.length, 1, Float32Array.from(batch)),
  joint: matrix(batch.length, 2, Float32Array.from(batch.flatMap((value) => [value, 2 * value]))),
});

it("joins the rows of all batches, in order", async () => {
  const { audio, joint } = await embedAll([[1, 2, 3], [5], [7, 11]], double);
  expect(audio).toEqual(matrix(6, 1, Float32Array.of(1, 2, 3, 5, 7, 11)));
  expect(joint.shape).toEqual([6, 2]);
  expect(joint.data[9]).toBe(14);
});

it("refuses no batches, and batches of another width", async () => {
  await expect(embedAll([], double)).rejects.toThrow("embedAll: there are no batches to embed. Check");
  const uneven = (width: number) => ({ joint: matrix(2, width) });
  await expect(embedAll([3, 5], uneven)).rejects.toThrow("joint has shape [2, 5]");
});
