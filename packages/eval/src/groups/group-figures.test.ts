import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { classification } from "../classification/classification.js";
import { fewShot } from "../classification/few-shot.js";
import { tagging } from "../classification/tagging.js";
import { figuresOf, type HeadResult } from "../figures.js";
import { inpainting } from "../inpainting/inpainting.js";
import { type LocalizationClip, localization } from "../localization/localization.js";
import { matrix, takeRows } from "../matrix.js";
import { resultsMteb } from "../report/results/mteb.js";
import { resultsHtml, resultsMarkdown, resultsText } from "../report/results/results.js";
import { sectionOf } from "../report/results/section.js";
import { retrieval } from "../retrieval/retrieval.js";
import { vggSounder } from "../vggsounder/vggsounder.js";
import { groupFigures } from "./group-figures.js";

const rng = createRng("group figures");
const quick = { resamples: 20 };
const options = { permutations: 50, intervals: quick };
const N = 29;
const ids = Array.from({ length: N }, (_, clip) => `clip ${clip}`);
const groupOf = (id: string) => (Number(id.slice(5)) % 3 === 0 ? "few" : "many");
const placesOf = (group: string) => [...ids.keys()].filter((clip) => groupOf(ids[clip]) === group);
const normal = (rows: number, columns: number) =>
  matrix(
    rows,
    columns,
    Float32Array.from({ length: rows * columns }, () => rng.normal()),
  );
const kinds = ["a", "b", "c"];
const labels = Int32Array.from(ids, () => rng.integer(3));

const probabilities = matrix(N, 3);
for (let clip = 0; clip < N; clip++) {
  const e = Array.from({ length: 3 }, (_, c) => Math.exp(rng.normal() + (c === labels[clip] ? 1 : 0)));
  const sum = e.reduce((total, value) => total + value);
  probabilities.data.set(
    e.map((value) => value / sum),
    3 * clip,
  );
}
const scores = normal(N, 3);
const targets = matrix(
  N,
  3,
  Float32Array.from({ length: 3 * N }, () => rng.integer(2)),
);
const sounds = { audio: normal(N, 3), visual: normal(N, 3), both: normal(N, 3) };
const sounder = ids.map(() => ({
  labels: Object.fromEntries(kinds.map((kind) => [kind, (["A", "V", "AV"] as const)[rng.integer(3)]])),
  ...{ backgroundMusic: false, staticImage: false, voiceOver: false },
}));
const train = { features: normal(31, 5), labels: Int32Array.from({ length: 31 }, (_, i) => i % 3) };
const test = normal(N, 5);
const located = ids.map((id): LocalizationClip => {
  const boxes = [{ x: 2 * rng.integer(2), y: 0, width: 2, height: 4 }];
  return {
    id,
    steps: [
      { map: normal(2, 2), boxes },
      { map: normal(2, 2), boxes: [] },
    ],
  };
});

/** Each head on some of the clips. */
const heads: Readonly<Record<string, (places: readonly number[]) => Promise<HeadResult> | HeadResult>> = {
  classification: (places) => ({
    head: "classification",
    result: classification({
      ...{ kinds, probabilities: takeRows(probabilities, places), intervals: quick },
      labels: places.map((clip) => labels[clip]),
    }),
  }),
  tagging: (places) => ({
    head: "tagging",
    result: tagging({ kinds, scores: takeRows(scores, places), targets: takeRows(targets, places), intervals: quick }),
  }),
  vggsounder: (places) => ({
    head: "vggsounder",
    result: vggSounder({
      ...{ kinds, clips: places.map((clip) => sounder[clip]), intervals: quick },
      scores: {
        audio: takeRows(sounds.audio, places),
        visual: takeRows(sounds.visual, places),
        both: takeRows(sounds.both, places),
      },
    }),
  }),
  "few-shot": (places) => ({
    head: "few-shot",
    result: fewShot({
      ...{ kinds, train, episodes: 7, intervals: quick },
      test: { features: takeRows(test, places), labels: places.map((clip) => labels[clip]) },
    }),
  }),
  localization: async (places) => ({
    head: "localization",
    result: await localization({
      clips: places.map((clip) => located[clip]),
      picture: { width: 4, height: 4 },
      intervals: quick,
    }),
  }),
  inpainting: async (places) => {
    const batch = (salt: number) => {
      const own = places.map((clip) => createRng(`inpainted ${salt} ${clip}`));
      const values = () => Float32Array.from(own.flatMap((one) => Array.from({ length: 15 }, () => one.normal())));
      const shape = [places.length, 5, 3];
      const from = (first: number, count: number) => ({
        shape: [places.length, count],
        data: Int32Array.from(places.flatMap(() => Array.from({ length: count }, (_, at) => first + at))),
      });
      return {
        ...{ target: { shape, data: values() }, predicted: { shape, data: values() } },
        ...{ visible: from(0, 2), hidden: from(2, 3) },
      };
    };
    const unit = { name: "u", deviation: [1], peak: 4 };
    return {
      head: "inpainting",
      result: await inpainting({
        ...{ batches: [{ audio: batch(1), visual: batch(2) }], targets: "raw" as const, intervals: quick },
        units: { audio: unit, visual: unit },
      }),
    };
  },
};

describe("every figure by group", () => {
  it.each(Object.entries(heads))("%s: what the head gives on the group's clips alone", async (name, head) => {
    const whole = await head([...ids.keys()]);
    const { figures, leftOut } = groupFigures(whole, ids, groupOf, "column", options);
    expect(figures.map(({ key }) => key)).toEqual(figuresOf(whole).map(({ key }) => key));
    expect(leftOut).toEqual({});
    for (const group of ["few", "many"]) {
      const alone = figuresOf(await head(placesOf(group)));
      for (const { key, value, interval } of alone) {
        const own = figures.find((figure) => figure.key === key)?.groups.find((one) => one.group === group);
        expect([key, own?.clips]).toEqual([key, placesOf(group).length]);
        expect([key, own?.value ?? Number.NaN]).toEqual([key, expect.closeTo(value ?? Number.NaN, 8)]);
        expect([key, (own?.interval?.low ?? 0) <= (own?.interval?.high ?? 0)]).toEqual([key, true]);
        // Few shots resample episodes where all clips are one set, and the clips of a group.
        if (name === "few-shot") continue;
        expect([key, own?.interval?.low ?? Number.NaN]).toEqual([key, expect.closeTo(interval?.low ?? Number.NaN, 8)]);
        expect([key, own?.interval?.high ?? Number.NaN]).toEqual([
          key,
          expect.closeTo(interval?.high ?? Number.NaN, 8),
        ]);
      }
    }
    for (const { key, groups, gap } of figures) {
      const [few, many] = groups.map(({ value }) => value ?? Number.NaN);
      expect([key, gap?.gap]).toEqual([key, expect.closeTo(Math.abs(few - many), 8)]);
      expect([key, gap?.highest]).toEqual([key, few > many || few === many ? "few" : "many"]);
    }
  });

  it("retrieval: a group's queries in the whole gallery", () => {
    const result = retrieval({ audio: normal(N, 3), visual: normal(N, 3), intervals: quick });
    const { figures } = groupFigures({ head: "retrieval", result }, ids, groupOf, "column", options);
    const ranks = placesOf("few").map((clip) => result.audioToVisual.ranks[clip]);
    const of = (key: string) => figures.find((one) => one.key === `audioToVisual.${key}`)?.groups[0].value;
    expect(of("r5")).toBeCloseTo(ranks.filter((rank) => rank < 5).length / ranks.length, 10);
    const sorted = ranks.map((rank) => rank + 1).sort((a, b) => a - b);
    expect(of("medianRank")).toBe((sorted[4] + sorted[5]) / 2);
  });

  it("tells what is in no group, where a figure does not exist, and refuses one group alone", async () => {
    const whole = await heads.classification([...ids.keys()]);
    const some = (id: string) => (id === "clip 0" ? undefined : id === "clip 1" ? "alone" : groupOf(id));
    expect(groupFigures(whole, ids, some, "accent", options).leftOut).toEqual({
      "no accent": 1,
      "alone in its group": 1,
    });
    // Where groups are the kinds themselves, none has both positives and negatives: any order would have an mAP of 1.
    const ofKind = groupFigures(whole, ids, (id) => kinds[labels[ids.indexOf(id)]], "labels", options);
    const mAP = ofKind.figures.find(({ key }) => key === "mAP");
    const auc = ofKind.figures.find(({ key }) => key === "auc");
    expect([mAP?.groups.map(({ value }) => value), mAP?.gap]).toEqual([[null, null, null], undefined]);
    expect([auc?.groups.map(({ value }) => value), auc?.gap]).toEqual([[null, null, null], undefined]);
    expect(() => groupFigures(whole, ids, () => "one", "accent")).toThrow(
      "one group alone has two clips or more: one (29)",
    );
    expect(() => groupFigures(whole, ids, () => undefined, "accent")).toThrow("no clip has a value");
  });

  it("finds a gap that is there in a figure that is no mean, and calls chance chance", () => {
    const made = (skill: (group: string) => number): HeadResult => {
      const drawn = matrix(N, 3);
      for (let i = 0; i < drawn.data.length; i++) {
        const clip = Math.floor(i / 3);
        drawn.data[i] = rng.normal() + (i % 3 === labels[clip] ? skill(groupOf(ids[clip])) : 0);
      }
      const wanted = matrix(N, 3);
      for (let clip = 0; clip < N; clip++) wanted.data[3 * clip + labels[clip]] = 1;
      return { head: "tagging", result: tagging({ kinds, scores: drawn, targets: wanted, intervals: quick }) };
    };
    const pOf = (result: HeadResult) =>
      groupFigures(result, ids, groupOf, "column", { permutations: 99, intervals: { resamples: 1 } }).figures[0].gap
        ?.p ?? 1;
    expect(pOf(made((group) => (group === "few" ? -2 : 4)))).toBeLessThan(0.05);
    const alarms = Array.from({ length: 120 }, () => (pOf(made(() => 1)) <= 0.05 ? 1 : 0));
    const share = alarms.reduce<number>((sum, one) => sum + one, 0) / alarms.length;
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.12);
  });

  it("stands in every form of the results", async () => {
    const made = await heads.classification([...ids.keys()]);
    const groups = groupFigures(made, ids, groupOf, "accent", options);
    const results = { title: "t", about: [], sections: [{ ...sectionOf(made), groups }] };
    for (const text of [resultsText(results), resultsMarkdown(results), resultsHtml(results)]) {
      expect(text).toContain("By accent");
      expect(text).toContain("largest gap: ");
    }
    const [first] = groups.figures;
    const alike = { ...first, gap: { gap: 0, highest: "few", lowest: "few", p: 1, permutations: 99 } };
    const none = { ...results, sections: [{ ...sectionOf(made), groups: { ...groups, figures: [alike] } }] };
    expect(resultsText(none)).toMatch(/largest gap: all groups alike +0\.0 % +1\.000/);
    const [task] = JSON.parse(resultsMteb(results, "test")).tasks;
    expect(task.scores.test[0].groups.scores.accuracy.groups.few.effective_n).toBe(10);
    expect(task.scores.test[0].interval_over.accuracy).toEqual({ unit: "clips", count: N });
  });
});
