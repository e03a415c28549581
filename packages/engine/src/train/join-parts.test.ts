import { float32, int32 } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { partsAcross } from "./join-parts.js";
import { peersInMemory } from "./peers.test.support.js";

/** What batch `index` made: a mean, two rows of three numbers, and two whole numbers. */
const made = (index: number) => ({
  mean: float32([], Float32Array.of(index)),
  rows: float32(
    [2, 3],
    Float32Array.from({ length: 6 }, (_, at) => 10 * index + at),
  ),
  hidden: int32([2], Int32Array.of(index, -index)),
});

describe("partsAcross", () => {
  it("puts all batches one after another in the order of ranks, and means by the batches' shares", async () => {
    const dealt = [[0], [1, 2], [3]];
    const shares = [0.1, 0.2, 0.3, 0.4];
    await Promise.all(
      peersInMemory(3).map(async (peers) => {
        const join = partsAcross(peers);
        const first = await join(dealt[peers.rank].map(made), shares);
        expect([...first.get("mean")!.value.data]).toEqual([Math.fround(0.2 + 2 * 0.3 + 3 * 0.4)]);
        const { value, rows } = first.get("rows")!;
        expect([value.shape, rows]).toEqual([
          [8, 3],
          [2, 2, 2, 2],
        ]);
        expect([...value.data]).toEqual([0, 10, 20, 30].flatMap((from) => [0, 1, 2, 3, 4, 5].map((at) => from + at)));
        expect(first.get("hidden")!.value).toEqual(int32([8], Int32Array.of(0, 0, 1, -1, 2, -2, 3, -3)));
        const again = await join(
          dealt[peers.rank].map((index) => made(index + 1)),
          shares,
        );
        expect(again.get("rows")!.value).toBe(value);
        expect([...value.data.subarray(0, 2), value.data[23]]).toEqual([10, 11, 45]);
      }),
    );
  });

  it("refuses batches of one process that are not alike, before anything travels", async () => {
    const [peers] = peersInMemory(2);
    const more = { ...made(1), rows: float32([3, 3]) };
    await expect(partsAcross(peers)([{ rows: made(0).rows }, { rows: more.rows }], [0.3, 0.3, 0.4])).rejects.toThrow(
      "rows has more rows in one batch than in another",
    );
    const hidden = { hidden: int32([], Int32Array.of(1)) };
    await expect(partsAcross(peers)([hidden], [0.5, 0.5])).rejects.toThrow("hidden is a whole number");
  });
});
