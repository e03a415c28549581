import { audioGrid, type ClipGrids, createRng, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { structuredViews } from "./structured.js";

const grids: ClipGrids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(112, 16) };
const odd: ClipGrids = { audio: { rows: 5, columns: 11, patch: 16, channels: 1 }, visual: visualGrid(112, 16) };

const rowsOf = (positions: Int32Array, columns: number) =>
  new Set([...positions].map((position) => Math.floor(position / columns)));
const columnsOf = (positions: Int32Array, columns: number) =>
  new Set([...positions].map((position) => position % columns));

describe("structuredViews", () => {
  it("time: a view sees whole moments, at every frequency", () => {
    for (const { audio } of structuredViews({ axis: "time" })(grids, createRng(1))) {
      expect(columnsOf(audio.visible, 64).size).toBe(16);
      expect(rowsOf(audio.visible, 64).size).toBe(8);
    }
  });

  it("frequency: a view sees whole bands, at every moment", () => {
    for (const { audio } of structuredViews({ axis: "frequency" })(grids, createRng(1))) {
      expect(rowsOf(audio.visible, 64).size).toBe(2);
      expect(columnsOf(audio.visible, 64).size).toBe(64);
    }
  });

  it("time-frequency: a view sees a block of some bands by some moments, and four such blocks are disjoint", () => {
    const views = structuredViews({ axis: "time-frequency", views: 4 })(grids, createRng(1));
    for (const { audio } of views) {
      expect(audio.visible).toHaveLength(128);
      expect(rowsOf(audio.visible, 64).size).toBe(4);
      expect(columnsOf(audio.visible, 64).size).toBe(32);
    }
    expect(new Set(views.flatMap(({ audio }) => [...audio.visible])).size).toBe(512);
  });

  it("cuts one row or column where K is no multiple of the side", () => {
    const [time] = structuredViews({ axis: "time" })(odd, createRng(2));
    expect(time.audio.visible).toHaveLength(13);
    expect(columnsOf(time.audio.visible, 11).size).toBe(3);
    const [frequency] = structuredViews({ axis: "frequency" })(odd, createRng(2));
    expect(rowsOf(frequency.audio.visible, 11).size).toBe(2);
  });

  it("chooses other moments for other streams, and moments that are not neighbours", () => {
    const columns = (seed: number) => {
      const [view] = structuredViews({ axis: "time" })(grids, createRng(seed));
      return [...columnsOf(view.audio.visible, 64)].sort((a, b) => a - b);
    };
    expect(columns(1)).not.toEqual(columns(2));
    expect(columns(1)[15] - columns(1)[0]).toBeGreaterThan(15);
  });

  it("names the axes it knows", () => {
    expect(() => structuredViews({ axis: "phase" as "time" })).toThrow(
      'structuredViews: the axis "phase" is not known. Use one of time, frequency, time-frequency',
    );
  });
});
