import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { type Matrix, matrix } from "../matrix.js";
import { arrayKernel } from "./array-kernel.js";
import { prepareRows } from "./row-products.js";
import { wasmKernel } from "./wasm-kernel.js";

const rng = createRng("row-products");
const random = (rows: number, columns: number): Matrix =>
  matrix(
    rows,
    columns,
    Float32Array.from({ length: rows * columns }, () => rng.normal()),
  );

function plain(left: Matrix, right: Matrix): number[] {
  const depth = left.shape[1];
  const values: number[] = [];
  for (let i = 0; i < left.shape[0]; i++) {
    for (let j = 0; j < right.shape[0]; j++) {
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += left.data[i * depth + k] * right.data[j * depth + k];
      values.push(sum);
    }
  }
  return values;
}

describe.each([
  ["wasm-simd", wasmKernel],
  ["array", arrayKernel],
])("%s kernel", (name, maker) => {
  it.each([
    [1, 1, 1],
    [67, 521, 13],
    [131, 7, 29],
    [3, 1031, 5],
  ])("multiplies %i rows with %i rows of %i numbers as the definition does", (m, n, d) => {
    const left = random(m, d);
    const right = random(n, d);
    const prepared = prepareRows(right, [maker]);
    expect(prepared.kernel).toBe(name);
    const got = prepared.times(left);
    expect(got.shape).toEqual([m, n]);
    const wanted = plain(left, right);
    const worst = wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - got.data[index])), 0);
    expect(worst).toBeLessThan(1e-4);
  });

  it("gives equal vectors equal products wherever they stand", () => {
    const row = random(1, 37);
    const right = matrix(101, 37);
    for (let i = 0; i < 101; i++) right.data.set(row.data, i * 37);
    const got = prepareRows(right, [maker]).times(random(3, 37));
    for (let i = 0; i < 3; i++) {
      expect(new Set(got.data.subarray(i * 101, (i + 1) * 101)).size).toBe(1);
    }
  });

  it("visits every diagonal cell in the diagonal pass", () => {
    const both = random(139, 11);
    const seen = new Set<number>();
    prepareRows(both, [maker]).tiles(
      both,
      ({ row, rows, column, columns }) => {
        for (let i = row; i < row + rows; i++) if (i >= column && i < column + columns) seen.add(i);
      },
      "diagonal",
    );
    expect(seen.size).toBe(139);
  });
});

it("falls back to the next kernel where one is not to be had", () => {
  const right = random(5, 3);
  expect(prepareRows(right, [() => undefined, arrayKernel]).kernel).toBe("array");
});

it("refuses nothing with words", () => {
  expect(() => prepareRows(matrix(0, 3))).toThrow("prepareRows: there is nothing to multiply with, shape [0, 3]");
});
