import { createRng } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { compiled } from "@kdc-mae/engine/node";
import { readVggSounder } from "@kdc-mae/eval";
import { initClassifier, initModel } from "@kdc-mae/model";
import { expect, it } from "vitest";
import { clipFormFor } from "../corpus/clip-form.js";
import { memorySet } from "../corpus/clip-set.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { config, madeClip, statistics, tinyWith } from "../finetune/made-clips.test.support.js";
import type { Saved } from "../run/read-saved.js";
import { groupedSet } from "./clip-groups.js";
import { openCutting } from "./cutting.js";
import { protocolsNamed, runProtocols } from "./protocols/run.js";
import type { Subject } from "./protocols/subject.js";

const classes = ["bell", "drum", "siren"];
const inGroups = (index: number): StoredClip => {
  const clip = madeClip(index);
  const boxes = [[0, { x: 3 * (index % 5), y: 5, width: 29, height: 31 }] as const];
  // One clip says nothing of its accent, and every sixth has no box.
  const columns: Record<string, string> = index === 104 ? {} : { accent: index % 3 === 0 ? "rare" : "usual" };
  return { ...clip, item: { ...clip.item, columns, ...(index % 6 === 5 ? {} : { boxes }) } };
};
const many = (from: number, count: number) => Array.from({ length: count }, (_, at) => inGroups(from + at));
const pretrained: Saved = {
  model: {
    ...{ config, statistics, params: initModel(config, createRng(2)) },
    experiment: checkExperiment(
      { ...named.demo, objective: [{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }] },
      "test",
    ),
  },
};
const tuned: Saved = {
  classifier: {
    ...{ config, statistics, classes, params: initClassifier(config, 3, createRng(3)), experiment: tinyWith({}) },
    weights: "epoch 2, the best",
  },
};
const execute = compiled();

async function grouped(
  saved: Saved,
  names: readonly string[],
  test: readonly StoredClip[],
  by = "Accent ",
  onFailed?: Parameters<typeof runProtocols>[2],
) {
  const { set, groups } = await groupedSet(memorySet(test), by);
  const vggsounder = readVggSounder(
    ["video_id,label,modality", ...test.slice(0, 10).map(({ item }) => `${item.id},${item.labels[0]},AV`)].join("\n"),
  );
  const subject: Subject = {
    ...{ saved, execute, split: "test", leftOut: {}, denormalize: true, groups, vggsounder },
    sets: { train: memorySet(many(0, 13)), validation: memorySet([]), test: set },
    cutting: openCutting(clipFormFor(config), { statistics, batch: 4 }),
    onProgress: () => undefined,
  };
  return runProtocols(protocolsNamed(names), subject, onFailed);
}

it.each([
  [
    "a pretrained model",
    pretrained,
    ["knn-probe-joint", "few-shot-joint", "retrieval-middle-frame", "inpainting-random-75", "localization-silent"],
  ],
  ["a classifier", tuned, ["classification-middle-frame", "vggsounder"]],
] as const)(
  "%s: every figure has its groups, each clip in its own, in whatever order the clips come",
  { timeout: 120_000 },
  async (_, saved, names) => {
    const clips = many(100, 11);
    const [forth, back] = [await grouped(saved, names, clips), await grouped(saved, names, [...clips].reverse())];
    for (const [at, { groups, figures, protocol, evaluated }] of forth.entries()) {
      expect(groups?.by).toBe("accent");
      expect(groups?.figures.map(({ key }) => key)).toEqual(figures.map(({ key }) => key));
      // vggsounder.csv leaves one clip out, and other ones where they come from behind.
      if (protocol.name === "vggsounder") continue;
      for (const figure of groups?.figures ?? []) {
        const counts = figure.groups.reduce((sum, one) => sum + one.clips, 0);
        expect([protocol.name, figure.key, counts]).toEqual([protocol.name, figure.key, evaluated - 1]);
        for (const { group, value } of figure.groups) {
          const again = back[at].groups?.figures.find(({ key }) => key === figure.key);
          const same = again?.groups.find((one) => one.group === group)?.value;
          expect([figure.key, group, same]).toEqual([
            figure.key,
            group,
            value === null ? null : expect.closeTo(value, 5),
          ]);
        }
      }
      expect(groups?.leftOut).toEqual({ "no accent": 1 });
    }
  },
);

it("labels are a column; one that no clip has is refused with those there are", async () => {
  const [{ groups }] = await grouped(pretrained, ["retrieval-middle-frame"], many(100, 11), "label");
  expect(groups?.figures[0].groups.map(({ group }) => group)).toEqual(classes);
  await expect(groupedSet(memorySet(many(100, 11)), "speaker")).rejects.toThrow(
    "no evaluated clip has such a column. The columns are: accent, labels",
  );
});

it("a column that makes no groups is told, and the figures without groups are kept", async () => {
  const alone = many(100, 11).map((clip, at) => ({
    ...clip,
    item: { ...clip.item, columns: { speaker: `speaker ${at}` } },
  }));
  const names = ["retrieval-middle-frame", "inpainting-random-75"];
  const failed: { protocol: string; message: string }[] = [];
  const kept = await grouped(pretrained, names, alone, "speaker", (one) => failed.push(one));
  const message = expect.stringContaining("groups by speaker: no group has two clips or more");
  expect(failed).toEqual(names.map((protocol) => ({ protocol, message })));
  const whole = await grouped(pretrained, names, many(100, 11));
  expect(kept.map(({ figures }) => figures)).toEqual(whole.map(({ figures }) => figures));
  expect(kept.map(({ groups }) => groups)).toEqual([undefined, undefined]);
  // Where nobody takes it, it ends the evaluation.
  await expect(grouped(pretrained, names, alone, "speaker")).rejects.toMatchObject({ reason: "groups" });
});

/** Windows of so many films, one after the other. */
const filmed = (films: number) =>
  many(100, 11).map((clip, at) => ({
    ...clip,
    item: { ...clip.item, path: `film ${at % films}.mp4`, start: at, end: at + 1 },
  }));

it.each([
  [
    "a pretrained model",
    pretrained,
    ["knn-probe-joint", "few-shot-joint", "retrieval-middle-frame", "inpainting-random-75", "localization-silent"],
  ],
  ["a classifier", tuned, ["classification-middle-frame", "vggsounder"]],
] as const)(
  "%s: intervals of clips that are parts of fewer recordings are by recording, and say so",
  async (_, saved, names) => {
    const [whole, parts] = [await grouped(saved, names, filmed(11)), await grouped(saved, names, filmed(2))];
    for (const [at, section] of parts.entries()) {
      expect([whole[at].recordings, section.recordings]).toEqual([undefined, 2]);
      expect(section.protocol.notes.some((note) => note.endsWith("or leave out, whole recordings"))).toBe(
        section.protocol.name !== "few-shot-joint",
      );
      for (const [place, { key, value, interval, over }] of section.figures.entries()) {
        const before = whole[at].figures[place];
        expect([key, value]).toEqual([key, before.value]);
        // Few shots resample episodes; a figure without an interval has none either way.
        const isOverClips = over?.unit !== "episodes";
        if (interval !== undefined && interval.low !== interval.high) {
          expect([key, JSON.stringify(interval) !== JSON.stringify(before.interval)]).toEqual([key, isOverClips]);
        }
        if (over !== undefined) expect([key, over.recordings]).toEqual([key, isOverClips ? 2 : undefined]);
      }
      expect(section.groups?.figures[0].groups.map(({ recordings }) => recordings)).toEqual([2, 2]);
    }
  },
  120_000,
);

it("files of their own that the list says are parts of one recording are one, and those it says nothing of are not", async () => {
  const cuts = many(100, 11).map((clip, at) => ({
    ...clip,
    item: { ...clip.item, columns: at < 9 ? { recording: `film ${at % 3}` } : undefined },
  }));
  const [{ recordings, figures }] = await grouped(pretrained, ["retrieval-middle-frame"], cuts, "labels");
  expect([recordings, figures[0].over]).toEqual([5, { unit: "queries", count: 11, recordings: 5 }]);
});

it("where all clips with a box are of one recording, what is localized alone has no intervals, and says why", async () => {
  const clips = filmed(2).map((clip, at) => ({
    ...clip,
    item: at % 2 === 0 ? clip.item : { ...clip.item, boxes: undefined },
  }));
  const [found, points] = await grouped(pretrained, ["retrieval-middle-frame", "localization-ez-vsl"], clips, "labels");
  const told = "all 6 clips are parts of one recording: no figure has an interval over clips";
  expect([found.recordings, points.recordings, points.evaluated]).toEqual([2, 1, 6]);
  expect([found, points].map(({ warnings }) => warnings.some((warning) => warning.startsWith(told)))).toEqual([
    false,
    true,
  ]);
});

it("clips of one recording have no intervals, and a warning says why", async () => {
  const names = ["retrieval-middle-frame", "localization-silent"];
  const made = await grouped(pretrained, names, filmed(1));
  // Of the eleven two have no box, and nothing is localized in them.
  expect(made.map(({ evaluated }) => evaluated)).toEqual([11, 9]);
  for (const { evaluated, figures, warnings } of made) {
    expect(figures.filter(({ interval }) => interval !== undefined)).toEqual([]);
    expect(warnings.at(-1)).toBe(
      `all ${evaluated} clips are parts of one recording: no figure has an interval over clips, since intervals are drawn by recording`,
    );
  }
});
