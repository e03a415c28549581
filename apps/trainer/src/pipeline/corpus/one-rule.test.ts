import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { createPipesDecoder, locateFfmpeg, makeSet, openManifest, prepare } from "@kdc-mae/data/node";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openClips } from "../ablate/ablate.js";
import { openEvaluated, openSubject } from "../evaluate/open-subject.js";
import { protocolsNamed } from "../evaluate/protocols/run.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { config, statistics, tinyWith } from "../finetune/made-clips.test.support.js";
import { openFineTuningData } from "../finetune/open-data.js";
import { openPretraining } from "../pretrain/from-experiment.js";
import { digestOf } from "./data-digest.js";

// Real media: seconds on a free machine, minutes on a busy one.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const kinds = ["list", "folder", "shards"] as const;
const namings = ["all", "none", "some"] as const;
type Kind = (typeof kinds)[number];
type Naming = (typeof namings)[number];

/** Six clips; which split each is of, and whether it says so where some say it: training clips leave it blank. */
const clips = [0, 1, 2, 3, 4, 5].map((n) => {
  const split = n < 3 ? "train" : n === 3 ? "val" : "test";
  const says: Readonly<Record<Naming, boolean>> = { all: true, none: false, some: n >= 3 };
  return { n, label: n % 2 === 0 ? "bell" : "drum", split, says };
});
const train = [0, 1, 2];
const everything = [0, 1, 2, 3, 4, 5];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-rule-"));
  const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
  const counts = { train: 6, validation: 0, test: 0 };
  const made = {
    directory: join(folder, "made"),
    ffmpeg,
    counts,
    seed: 3,
    options: { size: 32, kinds: ["bell", "drum"] },
  };
  const { items } = await makeSet(made as Parameters<typeof makeSet>[0]);
  const copies: Promise<void>[] = [];
  for (const naming of namings) {
    const rows: string[] = [];
    for (const { n, label, split, says } of clips) {
      const below = join(...(says[naming] ? [split] : []), label, `clip${n}.mp4`);
      const place = join(folder, naming, "folder", below);
      await mkdir(dirname(place), { recursive: true });
      copies.push(cp(items[n].path, place));
      rows.push(
        JSON.stringify({ id: `clip${n}`, path: join("folder", below), label, ...(says[naming] ? { split } : {}) }),
      );
    }
    await writeFile(join(folder, naming, "list.jsonl"), rows.join("\n"));
    await cp(join(folder, naming, "list.jsonl"), join(folder, naming, "again.jsonl"));
  }
  await Promise.all(copies);
  for (const naming of namings) {
    const manifest = await openManifest(join(folder, naming, "list.jsonl"));
    for (const out of ["shards", "again"]) {
      await prepare({
        ...{ manifest, out: join(folder, naming, out), decoder: createPipesDecoder(ffmpeg), workers: 2 },
        content: {
          ...{ clipsPerShard: 4, size: 48, frames: { count: 1, limit: 0.96 }, seconds: 1.06 },
          pictures: { kind: "ppm" },
        },
      });
    }
    await cp(join(folder, naming, "folder"), join(folder, naming, "folder-again"), { recursive: true });
  }
});
afterAll(() => rm(folder, { recursive: true }));

const paths = { list: ["list.jsonl", "again.jsonl"], folder: ["folder", "folder-again"], shards: ["shards", "again"] };
const dataOf = (kind: Kind, naming: Naming, which: 0 | 1 = 0): CheckedExperiment["data"] => {
  const path = join(folder, naming, paths[kind][which]);
  return kind === "shards" ? { kind: "shards", path, workers: 1 } : { kind: "manifest", path };
};
const experimentOn = (data: CheckedExperiment["data"]) =>
  checkExperiment({ ...named.demo, data, training: { batch: 2, epochs: 1 } }, "test");
const savedOn = (data: CheckedExperiment["data"]) => ({
  model: { config, params: initModel(config, createRng(1)), statistics, experiment: experimentOn(data) },
});
const numbers = (items: readonly { readonly id: string }[]) => items.map(({ id }) => Number(id.at(-1))).sort();
const around = () => {
  const notes: string[] = [];
  return { notes, onNote: (note: string) => void notes.push(note) };
};
/** The digest's part that says which clips. */
const idsOf = (kind: Kind, naming: Naming, wanted: readonly number[]): string =>
  digestOf(
    clips
      .filter(({ n }) => wanted.includes(n))
      .map(({ n, label, split, says }) => ({
        id: kind === "folder" ? [...(says[naming] ? [split] : []), label, `clip${n}`].join("/") : `clip${n}`,
        labels: [label],
      })),
  ).ids;

describe.each(kinds)("a %s", (kind) => {
  describe.each(namings)("with %s of its clips naming a split", (naming) => {
    const data = dataOf.bind(undefined, kind, naming);
    const fitted = naming === "none" ? everything : train;
    const missing = naming === "none";

    it("pretrain fits what is for training, and says how many", async () => {
      const { notes, onNote } = around();
      const { source, loader } = await openPretraining(experimentOn(data()), folder, { onNote });
      await loader.close();
      expect(source.data?.fitted.clips).toBe(fitted.length);
      expect(source.data?.fitted.ids).toBe(idsOf(kind, naming, fitted));
      expect(notes.join("\n")).toContain(`train ${fitted.length} (fitted)`);
      if (!missing) expect(notes.join("\n")).toContain("test 2 (not used)");
    });

    it("finetune fits some and scores others", async () => {
      const { notes, onNote } = around();
      const experiment = tinyWith({ data: data(), training: { batch: 2, epochs: 9 } });
      const opening = openFineTuningData(experiment, config, { media: folder, statistics, onNote });
      if (missing)
        return expect(opening).rejects.toThrow("no clip is of the validation split (clips by split: train 6)");
      const opened = await opening;
      await opened.close();
      expect(opened.source.data?.fitted.ids).toBe(idsOf(kind, naming, train));
      expect(numbers(opened.evaluation.items)).toEqual([3]);
      expect(notes.join("\n")).toContain("train 3 (fitted), validation 1 (scored)");
    });

    it.each([
      ["evaluate", "retrieval-middle-frame"],
      ["probe", "linear-probe-joint"],
    ])("%s scores nothing of its own training data", async (_, protocol) => {
      const { notes, onNote } = around();
      const chosen = protocolsNamed([protocol]);
      const isProbe = protocol.startsWith("linear");
      const check = async (opening: ReturnType<typeof openEvaluated>) => {
        const { sets, close } = await opening;
        await close();
        expect(numbers(sets.test.items)).toEqual([4, 5]);
        if (isProbe) expect(numbers(sets.train.items)).toEqual(train);
        expect(notes.join("\n")).toContain("test 2 (scored)");
      };
      const own = () => openEvaluated(chosen, savedOn(data()), { onNote });
      // The same data given again by their path are no other data.
      const { data: path } = { data: (data() as { path: string }).path };
      const again = () => openEvaluated(chosen, savedOn(data()), { data: path, onNote });
      if (missing) {
        await expect(own()).rejects.toThrow("no clip is of the test split (clips by split: train 6)");
        return expect(again()).rejects.toThrow("no clip is of the test split");
      }
      await check(own());
      await check(again());
    });

    it("evaluate scores other data whole where no clip names a split, and else what they name", async () => {
      const { notes, onNote } = around();
      const { path } = data(1) as { path: string };
      const open = (trained: CheckedExperiment["data"]) =>
        openEvaluated(protocolsNamed(["retrieval-middle-frame"]), savedOn(trained), { data: path, onNote });
      const opened = await open(missing ? { kind: "synthetic", train: 8, validation: 2, test: 2 } : data(0));
      await opened.close();
      expect(numbers(opened.sets.test.items)).toEqual(missing ? everything : [4, 5]);
      // Under another name they are still the clips it was trained on; shards have no files, and their ids tell.
      if (missing && kind !== "shards") {
        await expect(open(data(0))).rejects.toThrow(/^data .*: 6 of the 6 clips that would be scored are trained on/);
      } else if (missing) {
        const suspected = await open(data(0));
        await suspected.close();
        expect(suspected.seen).toMatch(/^6 of the 6 clips have ids of clips that were trained on, such as clip\d/);
        expect(notes.at(-1)).toBe(suspected.seen);
      } else expect(opened.seen).toBeUndefined();
      const probe = openEvaluated(protocolsNamed(["linear-probe-joint"]), savedOn(data(0)), { data: path, onNote });
      if (missing) return expect(probe).rejects.toThrow("no clip is of the train split (clips by split: test 6)");
      const { sets, close } = await probe;
      await close();
      expect([numbers(sets.train.items), numbers(sets.test.items)]).toEqual([train, [4, 5]]);
    });

    it("ablate trains on some and scores others", async () => {
      const { notes, onNote } = around();
      const experiment = experimentOn(data());
      const opening = openClips({ experiment }, { arms: { base: experiment }, media: folder, onNote });
      if (missing) return expect(opening).rejects.toThrow("no clip is of the test split (clips by split: train 6)");
      const { splits } = await opening;
      const of = (split: "train" | "test") => numbers(splits[split].map(({ item }) => item));
      expect([of("train"), of("test")]).toEqual([train, [4, 5]]);
      expect(notes.join("\n")).toContain("test 2 (scored), train 3 (fitted)");
    });
  });
});

describe("what would be both is refused", () => {
  it("by finetune: a split, a second name for the same data, a file of both lists", async () => {
    const data = dataOf("list", "all");
    const open = (more: object) =>
      openFineTuningData(tinyWith({ data, training: { batch: 2, epochs: 9 }, ...more }), config, {
        ...{ media: folder, statistics },
      });
    await expect(open({ data: { ...data, split: "val" } })).rejects.toThrow(
      "the validation clips are trained on and would be scored too",
    );
    const dealt = { ...data, splitBy: "0.5,0.5,0" };
    await expect(open({ evaluation: { data: dealt } })).rejects.toThrow("read another way");
    const both = join(folder, "all", "both.jsonl");
    await writeFile(both, '{"path":"folder/train/bell/clip0.mp4","label":"bell"}');
    await expect(open({ evaluation: { data: { kind: "manifest", path: both } } })).rejects.toThrow(
      "1 of the 1 clips that would be scored are trained on, such as",
    );
  });

  it.each(["list", "shards"] as const)("by finetune, where only ids tell: %s beside other shards", async (kind) => {
    const { onNote } = around();
    const evaluation = { data: dataOf("shards", "none", 1), split: "test" };
    const opened = await openFineTuningData(
      tinyWith({ data: dataOf(kind, "all"), evaluation, training: { batch: 2, epochs: 9 } } as Parameters<
        typeof tinyWith
      >[0]),
      config,
      { media: folder, statistics, onNote },
    );
    await opened.close();
    expect(opened.notes.join("\n")).toMatch(/3 of the 6 clips have ids of clips that were trained on, such as clip0/);
  });

  it("by evaluate: splits dealt after training, and the split a model was trained on", async () => {
    const protocols = protocolsNamed(["retrieval-middle-frame"]);
    const data = dataOf("list", "none");
    const { path } = data as { path: string };
    await expect(openEvaluated(protocols, savedOn(data), { data: path, splitBy: "0.5,0,0.5" })).rejects.toThrow(
      "read with another splitBy, so that clips it was trained on would be scored",
    );
    await expect(openEvaluated(protocols, savedOn(data), { splitBy: "0.5,0,0.5" })).rejects.toThrow(
      "no --data is given",
    );
    const onTest = savedOn({ ...dataOf("list", "all"), split: "test" } as CheckedExperiment["data"]);
    await expect(openEvaluated(protocols, onTest, {})).rejects.toThrow("was trained on the test clips of these data");
    await expect(
      openEvaluated(protocolsNamed(["linear-probe-joint"]), savedOn(dataOf("list", "all")), { split: "train" }),
    ).rejects.toThrow("the probe is fitted on the training clips");
  });

  it("by pretrain and finetune: pictures a clip of prepared shards", async () => {
    const experiment = checkExperiment(
      { ...named.demo, data: dataOf("shards", "all"), visual: { framesPerClip: 3 }, training: { batch: 2, epochs: 1 } },
      "test",
    );
    await expect(openPretraining(experiment, folder, {})).rejects.toThrow("--set visual.framesPerClip=null");
    const tuning = tinyWith({ data: dataOf("shards", "all"), visual: { framesPerClip: 3 } });
    await expect(openFineTuningData(tuning, config, { media: folder, statistics })).rejects.toThrow(
      "visual.framesPerClip",
    );
  });
});

it("clips of one recording on both sides are told of, whatever scores them", async () => {
  const rows = clips.map(({ n, label, split }) => {
    const path = join("folder", split, label, `clip${n}.mp4`);
    return JSON.stringify({ id: `clip${n}`, path, label, split, recording: `rushes ${n % 3}` });
  });
  const path = join(folder, "all", "recorded.jsonl");
  await writeFile(path, rows.join("\n"));
  const data = { kind: "manifest", path } as const;
  const near = (said: string, split: string, them: string) =>
    `${said} clips in train and in ${split}, such as rushes ${split === "test" ? 1 : 0}: clips of ${them} are near copies, and figures on ${split} are not all of unseen recordings`;
  const { notes, onNote } = around();
  const opened = await openEvaluated(protocolsNamed(["retrieval-middle-frame"]), savedOn(data), { onNote });
  await opened.close();
  expect([opened.near, notes.at(-1)]).toEqual(new Array(2).fill(near("2 recordings have", "test", "them")));
  const seen = await openSubject(protocolsNamed(["retrieval-middle-frame"]), savedOn(data), { split: "train" });
  await seen.close();
  expect(seen.subject.doubts).toEqual(["the model was trained on these clips"]);
  const tuning = tinyWith({ data, training: { batch: 2, epochs: 9 } });
  const tuned = await openFineTuningData(tuning, config, { media: folder, statistics });
  await tuned.close();
  expect(tuned.notes).toContain(near("1 recording has", "validation", "it"));
  const experiment = experimentOn(data);
  const ablated = await openClips({ experiment }, { arms: { base: experiment }, media: folder });
  expect(ablated.near).toBe(opened.near);
  // Trained on some, scored on others by another list.
  const other = join(folder, "all", "others.jsonl");
  await writeFile(other, rows.slice(4).join("\n"));
  const trained = { ...data, path: join(folder, "all", "trained.jsonl") };
  await writeFile(trained.path, rows.slice(0, 2).join("\n"));
  const apart = await openEvaluated(protocolsNamed(["retrieval-middle-frame"]), savedOn(trained), { data: other });
  await apart.close();
  const gone = { ...trained, path: join(folder, "all", "gone.jsonl") };
  const unsure = await openEvaluated(protocolsNamed(["retrieval-middle-frame"]), savedOn(gone), { data: other });
  await unsure.close();
  expect(unsure.seen).toBe(
    `whether the model was trained on these clips cannot be told: its own data, ${gone.path}, are not here`,
  );
  expect(apart.seen).toBe(
    "1 of the 2 clips are of recordings of which other clips were trained on, such as clip4: near copies, so that the figures are not all of unseen recordings",
  );
});

it("--split-by deals what names no split, alike for lists and shards, and training and scoring see the same deal", async () => {
  for (const kind of kinds) {
    const data = { ...dataOf(kind, "none"), splitBy: "0.5,0,0.5@3" } as CheckedExperiment["data"];
    const { source, loader } = await openPretraining(experimentOn(data), folder, {});
    await loader.close();
    const { sets, close: closeSets } = await openEvaluated(protocolsNamed(["linear-probe-joint"]), savedOn(data), {});
    await closeSets();
    const [fits, scores] = [numbers(sets.train.items), numbers(sets.test.items)];
    expect([...fits, ...scores].sort()).toEqual(everything);
    expect(fits).toHaveLength(3);
    expect(source.data?.fitted.ids).toBe(idsOf(kind, "none", fits));
  }
});
