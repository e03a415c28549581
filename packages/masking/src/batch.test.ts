import { audioGrid, type ClipGrids, createRng, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { batchViews } from "./batch.js";
import { complementaryViews } from "./complementary.js";

const grids: ClipGrids = { audio: audioGrid(16 * 11, 128, 16), visual: visualGrid(16 * 5, 16) };
const clip = (seed: number, views = 2) => complementaryViews({ views })(grids, createRng(seed));

describe("batchViews", () => {
  it("packs clips row by row", () => {
    const clips = [clip(1), clip(2), clip(3)];
    const packed = batchViews(clips);
    expect(packed).toHaveLength(2);
    expect(packed[1].audio.visible.shape).toEqual([3, 22]);
    expect(packed[1].audio.hidden.shape).toEqual([3, 66]);
    expect(packed[1].visual.visible.shape).toEqual([3, 6]);
    expect(packed[1].visual.hidden).toMatchObject({ dtype: "int32", shape: [3, 19] });
    expect(packed[1].audio.hidden.data.slice(2 * 66)).toEqual(clips[2][1].audio.hidden);
    expect(packed[0].visual.visible.data.slice(6, 12)).toEqual(clips[1][0].visual.visible);
  });

  it("refuses an empty batch, and clips that were masked differently", () => {
    expect(() => batchViews([])).toThrow("batchViews: there are no clips. Give the views of at least one clip");
    expect(() => batchViews([clip(1), clip(2, 3)])).toThrow(
      "batchViews: clip 0 has 2 views and clip 1 has 3. Mask all clips of a batch with the same masker",
    );
    const other = complementaryViews({ ratio: { audio: 0.75, visual: 0.5 } })(grids, createRng(4));
    expect(() => batchViews([clip(1), other])).toThrow(
      "batchViews: view 0 has 6 visual visible patches in clip 0 and 12 in clip 1. Mask all clips of a batch with the same masker and grids",
    );
  });
});
