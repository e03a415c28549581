import { audioGrid, type ClipGrids, type ClipView, createRng, isKdcError, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { complementaryViews } from "./complementary.js";
import { viewsFromDecks } from "./masker.js";
import { randomViews } from "./random.js";
import { structuredViews } from "./structured.js";

const grids: ClipGrids = { audio: audioGrid(16 * 13, 128, 16), visual: visualGrid(16 * 5, 16) };
const paper: ClipGrids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };

const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (isKdcError(error)) return error.message;
    throw error;
  }
  return "no error";
};

const expectWhole = (views: readonly ClipView[], sizes: ClipGrids): void => {
  for (const view of views) {
    for (const modality of ["audio", "visual"] as const) {
      const { visible, hidden } = view[modality];
      const all = [...visible, ...hidden].sort((a, b) => a - b);
      const count = sizes[modality].rows * sizes[modality].columns;
      expect(all).toEqual(Array.from({ length: count }, (_, index) => index));
    }
  }
};

const sharedPatches = (views: readonly ClipView[], modality: "audio" | "visual"): number => {
  const seen = views.flatMap((view) => [...view[modality].visible]);
  return seen.length - new Set(seen).size;
};

const maskers = {
  random: (views: number, ratio = 0.75) => randomViews({ views, ratio }),
  complementary: (views: number, ratio = 0.75) => complementaryViews({ views, ratio }),
  time: (views: number, ratio = 0.75) => structuredViews({ axis: "time", views, ratio }),
  frequency: (views: number, ratio = 0.75) => structuredViews({ axis: "frequency", views, ratio }),
  "time-frequency": (views: number, ratio = 0.75) => structuredViews({ axis: "time-frequency", views, ratio }),
  overlapping: (views: number, ratio = 0.75) =>
    structuredViews({ axis: "time-frequency", views, ratio, disjoint: false }),
};

describe("every masker", () => {
  for (const [name, masker] of Object.entries(maskers)) {
    it(`${name}: visible and hidden of each view are all patches once, K as asked`, () => {
      const views = masker(3)(grids, createRng(`whole ${name}`));
      expectWhole(views, grids);
      expect(views.map((view) => [view.audio.visible.length, view.visual.visible.length])).toEqual([
        [26, 6],
        [26, 6],
        [26, 6],
      ]);
    });

    it(`${name}: the same stream gives the same views, another stream gives others`, () => {
      const draw = (seed: string) => masker(2)(grids, createRng(seed));
      expect(draw("one")).toEqual(draw("one"));
      expect(draw("one")).not.toEqual(draw("two"));
    });

    it(`${name}: modalities are shuffled apart even when their grids are equal`, () => {
      const same = { audio: visualGrid(16 * 7, 16), visual: visualGrid(16 * 7, 16) };
      const [view] = masker(1)(same, createRng(5));
      expect([...view.audio.visible].sort()).not.toEqual([...view.visual.visible].sort());
    });
  }

  it("hides a ratio of its own per modality, rounded down as the reference does", () => {
    const [view] = complementaryViews({ views: 2, ratio: { audio: 0.6, visual: 0.8 } })(grids, createRng(1));
    expect(view.audio.visible).toHaveLength(41);
    expect(view.visual.visible).toHaveLength(Math.floor(25 * (1 - 0.8)));
  });

  it("gives the paper's sizes", () => {
    const [view] = complementaryViews()(paper, createRng(1));
    expect([view.audio.visible.length, view.visual.visible.length]).toEqual([128, 49]);
  });
});

describe("disjoint views", () => {
  for (const name of ["complementary", "time", "frequency", "time-frequency"] as const) {
    for (const views of [2, 3, 4]) {
      it(`${name}: ${views} views share nothing`, () => {
        const drawn = maskers[name](views)(grids, createRng(views));
        expect(drawn).toHaveLength(views);
        expect(sharedPatches(drawn, "audio")).toBe(0);
        expect(sharedPatches(drawn, "visual")).toBe(0);
      });
    }
  }

  it("four views at ratio 0.75 cover the paper's grids", () => {
    const drawn = complementaryViews({ views: 4 })(paper, createRng(2));
    expect(new Set(drawn.flatMap((view) => [...view.audio.visible])).size).toBe(512);
    expect(new Set(drawn.flatMap((view) => [...view.visual.visible])).size).toBe(196);
  });

  it("independent views do overlap", () => {
    expect(sharedPatches(randomViews({ views: 3 })(grids, createRng(3)), "audio")).toBeGreaterThan(0);
    expect(sharedPatches(maskers.overlapping(3)(grids, createRng(3)), "audio")).toBeGreaterThan(0);
  });

  it("spreads evenly: over many clips every patch is seen about as often", () => {
    const clips = 2000;
    const seen = new Array<number>(25).fill(0);
    for (let clip = 0; clip < clips; clip++) {
      const [, second] = complementaryViews()(grids, createRng(7).fork(clip));
      for (const position of second.visual.visible) seen[position] += 1;
    }
    const expected = (clips * 6) / 25;
    for (const count of seen) expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected));
  });
});

describe("viewsFromDecks", () => {
  it("cuts successive hands in the deck's order and hides the rest", () => {
    const views = viewsFromDecks(
      { audio: Int32Array.of(4, 2, 0, 1, 3), visual: Int32Array.of(2, 1, 0) },
      { audio: 2, visual: 1 },
      2,
    );
    expect(views).toEqual([
      {
        audio: { visible: Int32Array.of(4, 2), hidden: Int32Array.of(0, 1, 3) },
        visual: { visible: Int32Array.of(2), hidden: Int32Array.of(1, 0) },
      },
      {
        audio: { visible: Int32Array.of(0, 1), hidden: Int32Array.of(4, 2, 3) },
        visual: { visible: Int32Array.of(1), hidden: Int32Array.of(2, 0) },
      },
    ]);
  });
});

describe("impossible requests", () => {
  it("refuses more disjoint patches than there are", () => {
    expect(messageOf(() => complementaryViews({ views: 3, ratio: 0.5 })(grids, createRng(1)))).toBe(
      "masking: 3 disjoint views of 52 audio patches each need 156, but there are 104. " +
        "Raise the mask ratio, ask for fewer views, or let the views overlap",
    );
    expect(messageOf(() => structuredViews({ axis: "time", views: 5, ratio: 0.75 })(grids, createRng(1)))).toContain(
      "5 disjoint views of 26 audio patches",
    );
  });

  for (const ratio of [0, 1, -0.25, 1.5, Number.NaN]) {
    it(`refuses a ratio of ${ratio}`, () => {
      for (const masker of Object.values(maskers)) {
        expect(messageOf(() => masker(1, ratio)(grids, createRng(1)))).toMatch(
          new RegExp(`: the audio mask ratio is ${ratio}\\. Use a ratio strictly between 0 and 1, such as 0\\.75$`),
        );
      }
    });
  }

  it("refuses a ratio that leaves nothing visible", () => {
    expect(messageOf(() => randomViews({ ratio: { audio: 0.75, visual: 0.97 } })(grids, createRng(1)))).toBe(
      "randomViews: a mask ratio of 0.97 over 25 visual patches leaves 0 visible and 25 hidden. " +
        "Use a ratio (or a grid) that leaves at least one of each",
    );
  });

  it("refuses a ratio so small that nothing is hidden", () => {
    expect(messageOf(() => randomViews({ ratio: 1e-17 })(grids, createRng(1)))).toContain(
      "over 104 audio patches leaves 104 visible and 0 hidden",
    );
  });

  for (const views of [0, 1.5, -2]) {
    it(`refuses ${views} views`, () => {
      expect(messageOf(() => complementaryViews({ views }))).toBe(
        `complementaryViews: ${views} views were asked for. Ask for a whole number of views, at least 1`,
      );
    });
  }
});
