import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { arrayCount, columnPlace, oneRow, wasmCount } from "./count-above.js";

const rng = createRng("count above");

describe.each([
  ["wasm-simd", wasmCount],
  ["array", arrayCount],
])("%s", (name, maker) => {
  it.each([
    [1, 4],
    [13, 28],
    [7, 44],
  ])("counts %i rows of %i as the definition does, equal ones and both zeros among them", (rows, width) => {
    const counter = maker(17, 44)!;
    expect(counter.name).toBe(name);
    // Few values, so that many are equal; −0 is 0.
    const draw = () => [-0.5, -0, 0, 0.25, 1][rng.integer(5)];
    const values = Array.from({ length: rows * width }, draw);
    const [rights, others] = [Array.from({ length: rows }, draw), Array.from({ length: width }, draw)];
    counter.values.set(values);
    counter.rights.set(rights);
    for (const [j, other] of others.entries()) counter.columns.rights[columnPlace(j)] = other;
    for (const _twice of [1, 2]) counter.run(rows, width);
    const sum = (from: number) => counter.rows.subarray(from, from + 4).reduce((a, b) => a + b);
    const row = (i: number) => values.slice(i * width, (i + 1) * width);
    for (const [i, right] of rights.entries()) {
      expect(sum(i * oneRow)).toBe(row(i).filter((value) => value > right).length);
      expect(sum(i * oneRow + 4)).toBe(row(i).filter((value) => value === right).length);
    }
    // Columns go on counting until they are set to nothing.
    for (const [j, other] of others.entries()) {
      const column = rights.map((_, i) => values[i * width + j]);
      const [above, equal] = [4, 8].map((at) => counter.columns.counts[columnPlace(j) + at]);
      expect(above).toBe(2 * column.filter((value) => value > other).length);
      expect(equal).toBe(2 * column.filter((value) => value === other).length);
    }
  });
});
