import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { type Matrix, matrix } from "../matrix.js";
import { crossModalRanks, crossModalRanksBy } from "./ranks.js";

const rng = createRng("ranks");
const rows = (N: number, D: number, quantum = 0) => {
  const made = matrix(N, D);
  for (let i = 0; i < N * D; i++) made.data[i] = quantum === 0 ? rng.normal() : Math.round(rng.normal() / quantum);
  return made;
};
const naive = async (left: Matrix, right: Matrix): Promise<Matrix> => {
  const [M, D] = left.shape;
  const product = matrix(M, M);
  for (let i = 0; i < M; i++) {
    for (let j = 0; j < M; j++) {
      let sum = 0;
      for (let k = 0; k < D; k++) sum = Math.fround(sum + Math.fround(left.data[i * D + k] * right.data[j * D + k]));
      product.data[i * M + j] = sum;
    }
  }
  return product;
};

describe("ranks with somebody else's product", () => {
  it.each([13, 26, 31])("are those of one pass: %i clips in blocks of 13", async (N) => {
    const [audio, visual] = [rows(N, 7), rows(N, 7)];
    expect(await crossModalRanksBy(audio, visual, naive, 13)).toEqual(crossModalRanks(audio, visual));
  });

  it("count ties, also across blocks", async () => {
    const one = rows(1, 5);
    const same = matrix(17, 5);
    for (let i = 0; i < 17; i++) same.data.set(one.data, 5 * i);
    const { audioToVisual, visualToAudio } = await crossModalRanksBy(same, same, naive, 6);
    for (const { rank, tied } of [audioToVisual, visualToAudio]) {
      expect([...new Set(rank)]).toEqual([0]);
      expect([...new Set(tied)]).toEqual([16]);
    }
  });
});
