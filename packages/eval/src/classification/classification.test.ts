import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { chanceAveragePrecision } from "./chance.js";
import { classification } from "./classification.js";
import { labelIndices, labelTargets } from "./labels.js";
import { tagging } from "./tagging.js";

const kinds = ["bell", "drum", "flute"];
const probabilities = matrix(
  5,
  3,
  Float32Array.of(0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.8, 0.1, 0.4, 0.1, 0.5),
);

describe("classification", () => {
  const labels = labelIndices(kinds, ["bell", "drum", "drum", "drum", "flute"]);
  const result = classification({ kinds, probabilities, labels, leftOut: { "no-audio": 2 } });

  it("counts hits, the confusion and the majority", () => {
    expect(result.accuracy).toBe(0.8);
    expect(result.evaluated).toBe(5);
    expect(result.leftOut).toEqual({ "no-audio": 2 });
    expect(result.confusion).toEqual([
      [1, 0, 0],
      [1, 2, 0],
      [0, 0, 1],
    ]);
    expect(result.majority).toEqual({ kind: "drum", accuracy: 0.6 });
    expect(result.kinds.map(({ recall, precision }) => [recall, precision])).toEqual([
      [1, 0.5],
      [2 / 3, 1],
      [1, 1],
    ]);
    expect(Array.from(result.clips.correct)).toEqual([1, 0, 1, 1, 1]);
    expect(result.intervals.accuracy.low).toBeLessThan(0.8);
    expect(result.protocol.name).toBe("classification-middle-frame");
  });

  it("holds no NaN where a kind has no clips, and names it", () => {
    const few = classification({ kinds, probabilities, labels: [0, 0, 1, 1, 0] });
    expect(few.excluded).toEqual({ flute: "no positive clips" });
    expect(few.kinds[2]).toEqual({
      kind: "flute",
      positives: 0,
      averagePrecision: null,
      auc: null,
      recall: null,
      precision: 0,
    });
    expect(few.warnings).toEqual(["1 kinds have no clips here and take no part in mAP and AUC: flute"]);
    expect(JSON.stringify(few)).not.toContain("NaN");
  });

  it("says what a test set of one kind can tell", () => {
    const single = classification({ kinds, probabilities, labels: [1, 1, 1, 1, 1] });
    expect(single.mAP).toBeNull();
    expect(single.warnings[0]).toContain("all 5 clips are labelled drum: accuracy is only that kind's recall");
  });

  it("meets wrong use with words", () => {
    expect(() => labelIndices(kinds, ["bell", "gong"])).toThrow(
      'labels: clip 1 is labelled "gong", which is not among the kinds. The kinds are bell, drum, flute. Correct the manifest',
    );
    expect(() => classification({ kinds, probabilities, labels: [0, 1, 2, 3, 0] })).toThrow(
      "clip 3 has label 3, the 3 kinds are 0 to 2",
    );
    expect(() => classification({ kinds, probabilities: matrix(0, 3), labels: [] })).toThrow(
      "there are no labelled clips",
    );
    const holed = matrix(1, 3, Float32Array.of(0.5, Number.NaN, 0.5));
    expect(() => classification({ kinds, probabilities: holed, labels: [0] })).toThrow(
      "probabilities has NaN in row 0, column 1",
    );
  });
});

describe("tagging", () => {
  it("scores several labels per clip beside chance", () => {
    const targets = labelTargets(kinds, [["bell"], ["bell", "drum"], ["drum"], ["drum"], []]);
    const result = tagging({ kinds, scores: probabilities, targets });
    expect(result.kinds.map(({ averagePrecision }) => averagePrecision)).toEqual([1, (1 + 1 + 1) / 3, null]);
    expect(result.mAP).toBe(1);
    const [two, three] = [chanceAveragePrecision(2, 5), chanceAveragePrecision(3, 5)];
    expect(result.chance).toBeCloseTo((two + three) / 2, 12);
    expect(result.warnings[0]).toContain("flute (no positive clips)");
    expect(result.protocol.notes.join()).toContain("each kind is scored by itself");
  });

  it("refuses targets that are not 0 or 1", () => {
    const targets = matrix(5, 3, new Float32Array(15).fill(0.5));
    expect(() => tagging({ kinds, scores: probabilities, targets })).toThrow("target 0.5 of clip 0 is not 0 or 1");
  });
});
