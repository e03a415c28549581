import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { orderedMap } from "./ordered-map.js";

describe("orderedMap", () => {
  it("keeps the order, the number at once and the number ahead", async () => {
    let [running, most, begun, furthest] = [0, 0, 0, 0];
    const got: number[] = [];
    const items = Array.from({ length: 23 }, (_, index) => index);
    let go: () => void = () => undefined;
    const asFarAsMay = new Promise<void>((resolve) => {
      go = resolve;
    });
    const work = async (item: number) => {
      most = Math.max(most, ++running);
      furthest = Math.max(furthest, ++begun - got.length);
      if (begun === 7) go();
      await (item === 0 ? asFarAsMay : pause(item % 3));
      running--;
      return 10 * item;
    };
    for await (const result of orderedMap(items, work, { concurrency: 3, ahead: 7 })) got.push(result);
    expect(got).toEqual(items.map((item) => 10 * item));
    expect(most).toBe(3);
    expect(furthest).toBe(7);
  });

  it("ends with an error in its turn, once what is under way has ended", async () => {
    const [got, ended]: [number[], number[]] = [[], []];
    let stopped = 0;
    const work = async (item: number) => {
      await pause(item === 2 ? 1 : 8);
      if (item === 2) throw new Error("two");
      ended.push(item);
      return item;
    };
    const run = async () => {
      for await (const result of orderedMap([0, 1, 2, 3, 4], work, { concurrency: 2, ahead: 9, stop: () => stopped++ }))
        got.push(result);
    };
    await expect(run()).rejects.toThrow("two");
    expect(got).toEqual([0, 1]);
    expect(ended.length).toBeGreaterThanOrEqual(2);
    expect(stopped).toBe(1);
  });

  it("gives what came before the items themselves failed, done by then or not", async () => {
    const got: number[] = [];
    async function* items() {
      yield* [0, 1, 2];
      throw new Error("line 4");
    }
    const work = async (item: number) => {
      await pause(10);
      return item;
    };
    const run = async () => {
      for await (const result of orderedMap(items(), work, { concurrency: 8, ahead: 9 })) got.push(result);
    };
    await expect(run()).rejects.toThrow("line 4");
    expect(got).toEqual([0, 1, 2]);
  });
});
