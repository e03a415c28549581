import { readFileSync } from "node:fs";
import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { sectionOf } from "../report/results/section.js";
import { readVggSounder } from "./read-labels.js";
import { vggSounder } from "./vggsounder.js";

// Columns and spelling as its authors publish them (vggsounder.csv of Bizilizi/VGGSounder).
const csv = `video_id,label,modality,background_music,static_image,voice_over
---g-f_I2yQ_000001,male singing,A,True,False,False
---g-f_I2yQ_000001,people crowd,AV,True,False,False
---g-f_I2yQ_000001,playing timpani,A,True,False,False
-0jeONf82dE_000021,"male speech, man speaking",AV,False,False,True
-0jeONf82dE_000021,horse neighing,V,False,False,True
`;

describe("readVggSounder", () => {
  it("reads labels with what they are perceived by, and what else was seen", () => {
    const clips = readVggSounder(`\ufeff${csv.replaceAll("\n", "\r\n")}`);
    expect([...clips.keys()]).toEqual(["---g-f_I2yQ_000001", "-0jeONf82dE_000021"]);
    expect(clips.get("---g-f_I2yQ_000001")).toEqual({
      labels: { "male singing": "A", "people crowd": "AV", "playing timpani": "A" },
      ...{ backgroundMusic: true, staticImage: false, voiceOver: false },
    });
    expect(clips.get("-0jeONf82dE_000021")?.labels["male speech, man speaking"]).toBe("AV");
  });

  it.each([
    ["video,label,modality\na,b,A", "line 1: there is no column video_id"],
    ["video_id,label,modality\na,b,X", 'line 2: clip "a", label "b", modality "X"'],
    ["video_id,label,modality\n", "line 1: there are no clips"],
  ])("refuses %j", (text, words) => expect(() => readVggSounder(text)).toThrow(`VGGSounder labels, ${words}`));
});

describe("vggSounder", () => {
  const kinds = ["dog", "cat", "rain"];
  const one = (labels: Record<string, "A" | "V" | "AV">) => ({
    ...{ labels, backgroundMusic: false, staticImage: false, voiceOver: false },
  });
  const clips = [
    one({ dog: "AV", rain: "A" }),
    one({ cat: "V" }),
    one({ rain: "A", cat: "AV" }),
    one({ dog: "AV", siren: "A" }),
  ];
  const saying = (...names: string[]) => {
    const said = matrix(names.length, 3);
    names.forEach((name, clip) => {
      said.data[3 * clip + kinds.indexOf(name)] = 1;
    });
    return said;
  };
  const result = vggSounder({
    ...{ kinds, clips },
    scores: {
      audio: saying("rain", "cat", "dog", "dog"),
      visual: saying("dog", "cat", "cat", "rain"),
      both: saying("dog", "dog", "cat", "cat"),
    },
  });

  it("scores each way of asking on the labels it can tell, as counted by hand", () => {
    // Heard: {dog, rain}, –, {rain, cat}, {dog}; said rain, –, dog, dog: 2 hits of 3 clips and 5 labels.
    expect(result.given.audio).toMatchObject({ labels: "heard", clips: 3, hitRate: 2 / 3, f1: 4 / 8 });
    // Seen: {dog}, {cat}, {cat}, {dog}; said dog, cat, cat, rain.
    expect(result.given.visual).toMatchObject({ labels: "seen", clips: 4, hitRate: 3 / 4, f1: 6 / 8 });
    // Heard and seen: {dog}, –, {cat}, {dog}; said dog, –, cat, cat.
    expect(result.given.both).toMatchObject({ labels: "both", clips: 3, hitRate: 2 / 3, f1: 4 / 6 });
    expect(result.alone["heard only"]).toMatchObject({ clips: 2, hitRate: 0 });
  });

  it("counts where both confuse what one modality knew", () => {
    // Wrong with both: the second clip (pictures, and here sound too, said cat) and the fourth (sound said dog).
    expect(result.confusion.audio.share).toBe(2 / 4);
    expect(result.confusion.visual.share).toBe(1 / 4);
    expect(result.confusion.any.share).toBe(2 / 4);
    expect(result.confusion.each.share).toBe(1 / 4);
    expect(result.warnings[0]).toContain("1 label is none of the classes and takes no part: siren");
    const { figures } = sectionOf({ head: "vggsounder", result });
    expect(figures.map(({ name }) => name)).toContain("confusion: right with either, wrong with both");
    for (const { interval } of figures) expect(interval?.level).toBe(0.95);
  });

  it("has scikit-learn's figures under the authors' rules, beside what a random class gives", () => {
    const file = new URL("../../../../fixtures/vggsounder/vggsounder.json", import.meta.url);
    const reference = JSON.parse(readFileSync(file, "utf8"));
    const labelled = [...readVggSounder(reference.csv).values()];
    const shape = [labelled.length, reference.classes.length];
    const of = (data: Float32Array) => ({ shape, data });
    const scored = (scores: (given: "audio" | "visual" | "both") => Float32Array, resamples: number) =>
      vggSounder({
        ...{ kinds: reference.classes, clips: labelled, intervals: { resamples } },
        scores: { audio: of(scores("audio")), visual: of(scores("visual")), both: of(scores("both")) },
      });
    const made = scored((given) => Float32Array.from(reference.scores[given]), 20);
    expect(made.evaluated).toBe(37);
    for (const given of ["audio", "visual", "both"] as const) {
      const { clips: taken, f1, hitRate } = reference.given[given];
      expect(made.given[given].clips).toBe(taken);
      expect(made.given[given].f1).toBeCloseTo(f1, 10);
      expect(made.given[given].hitRate).toBeCloseTo(hitRate, 10);
    }
    for (const one of ["audio", "visual", "each", "any"] as const) {
      expect(made.confusion[one].share).toBeCloseTo(reference.confusion[one], 10);
    }
    const rng = createRng("random class");
    const random = Array.from({ length: 300 }, () =>
      scored(() => Float32Array.from({ length: shape[0] * shape[1] }, () => rng.uniform()), 1),
    );
    for (const given of ["audio", "visual", "both"] as const) {
      for (const figure of ["f1", "hitRate"] as const) {
        const mean = random.reduce((sum, one) => sum + one.given[given][figure] / random.length, 0);
        expect([given, figure, Math.abs(mean - made.given[given].random[figure]) < 0.015]).toEqual([
          given,
          figure,
          true,
        ]);
      }
    }
  });

  it("refuses a classifier of other classes", () => {
    const other = {
      kinds: ["x", "y", "z"],
      clips,
      scores: { audio: matrix(4, 3), visual: matrix(4, 3), both: matrix(4, 3) },
    };
    expect(() => vggSounder(other)).toThrow("no clip has a label among the 3 classes for audio");
  });
});
