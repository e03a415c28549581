import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { compiled } from "@kdc-mae/engine/node";
import { chanceAveragePrecision, printProtocol, protocolRecords, readVggSounder } from "@kdc-mae/eval";
import { resultsHtml, resultsJson, resultsMarkdown, resultsMteb, resultsText } from "@kdc-mae/eval/report";
import { type ClassifierParams, initClassifier, initModel, type ModelConfig } from "@kdc-mae/model";
import { describe, expect, it } from "vitest";
import { clipFormFor } from "../../corpus/clip-form.js";
import { memorySet } from "../../corpus/clip-set.js";
import { checkExperiment } from "../../experiment/check.js";
import { named } from "../../experiment/named.js";
import { classes, config, madeClip, statistics, tinyWith } from "../../finetune/made-clips.test.support.js";
import type { FineTuningExperiment } from "../../finetune/schema.js";
import type { Saved } from "../../run/read-saved.js";
import { openCutting } from "../cutting.js";
import { evaluateTasks } from "../evaluate.js";
import { evaluate } from "../under-protocols.js";
import { protocolsNamed, runProtocols } from "./run.js";
import type { Subject } from "./subject.js";

const boxed = (index: number): StoredClip => {
  const clip = madeClip(index);
  const box = { x: 3 * (index % 5), y: 5, width: 29, height: 31 };
  return { ...clip, item: { ...clip.item, boxes: [[0, box] as const, [0.4, { ...box, y: 11 }] as const] } };
};
const many = (from: number, count: number, make = boxed) => Array.from({ length: count }, (_, at) => make(from + at));
const sets = { train: memorySet(many(0, 13)), validation: memorySet(many(50, 5)), test: memorySet(many(100, 7)) };

const withGlobal = { ...config, globalToken: true };
const pretrained = (normPixels: boolean, own: ModelConfig = config): Saved => ({
  model: {
    ...{ config: own, statistics, params: initModel(own, createRng(2)) },
    experiment: checkExperiment(
      {
        ...named.demo,
        objective: [{ term: "reconstruction-audio" }, { term: "reconstruction-visual", options: { normPixels } }],
      },
      "test",
    ),
  },
});
const tuned = (
  changes: Partial<FineTuningExperiment> = {},
  params: ClassifierParams<FloatTensor> = initClassifier(config, 3, createRng(3)),
): Saved => ({
  classifier: { config, statistics, classes, params, experiment: tinyWith(changes), weights: "epoch 2, the best" },
});
const execute = compiled();
const subject = (saved: Saved, changes: Partial<Subject> = {}): Subject => ({
  ...{ saved, execute, sets, split: "test", leftOut: { undecodable: 2 }, denormalize: false },
  cutting: openCutting(clipFormFor(config), { statistics, batch: 4 }),
  onProgress: () => undefined,
  ...changes,
});
const run = (names: readonly string[], saved: Saved, changes: Partial<Subject> = {}) =>
  runProtocols(protocolsNamed(names), subject(saved, changes));
/** Protocols of these tasks; those of global tokens are for a model that has one. */
const namesOf = (...tasks: string[]) =>
  protocolRecords.flatMap(({ protocol: { name }, conduct }) =>
    tasks.includes(conduct.task) && !name.endsWith("-global") ? [name] : [],
  );
const ofGlobalTokens = protocolRecords.flatMap(({ protocol: { name } }) => (name.endsWith("-global") ? [name] : []));

describe("every protocol", () => {
  it.each([
    [
      "a pretrained model",
      pretrained(false),
      namesOf("linear-probe", "attentive-probe", "knn-probe", "few-shot", "retrieval", "inpainting", "localization"),
    ],
    ["a model with global tokens", pretrained(false, withGlobal), ofGlobalTokens],
    ["a classifier", tuned(), namesOf("classification", "linear-probe", "retrieval")],
  ] as const)(
    "%s: figures with intervals, the same twice, beside the protocol in full",
    {
      timeout: 300_000,
    },
    async (_, saved, names) => {
      const first = await run(names, saved);
      expect(first.map(({ protocol }) => protocol.name)).toEqual(names);
      for (const { protocol, figures, evaluated, leftOut } of first) {
        expect(evaluated).toBe(7);
        expect(leftOut).toEqual({ undecodable: 2 });
        for (const { name, value, interval } of figures) {
          // The best or the worst there can be, of whatever clips: no resample changes it.
          if (interval === undefined) expect([0, 1, null], `${protocol.name}, ${name}`).toContain(value);
          else expect([name, interval.level]).toEqual([name, 0.95]);
          if (value !== null && Number.isFinite(interval?.low))
            expect(interval?.low).toBeLessThanOrEqual(interval?.high ?? 0);
        }
      }
      const results = { title: "t", about: [["model", "m"] as const], sections: first };
      expect(resultsJson({ ...results, sections: await run(names, saved) })).toBe(resultsJson(results));
      for (const { protocol } of first) {
        for (const page of [resultsText(results), resultsMarkdown(results)])
          expect(page).toContain(printProtocol(protocol));
        expect(resultsHtml(results)).toContain(`protocol: ${protocol.name}\ntask: ${protocol.task}`);
        expect(
          JSON.parse(resultsJson(results)).results.map((one: { protocol: unknown }) => one.protocol),
        ).toContainEqual(protocol);
      }
    },
  );

  it("looks at what its name says", async () => {
    const names = ["classification-middle-frame", "classification-10-frames", "classification-missing-visual"];
    const of = async (saved: Saved, name: string) => (await run([name], saved))[0].figures.map(({ value }) => value);
    const [middle, all, alone] = await Promise.all(names.map((name) => of(tuned(), name)));
    expect(all).not.toEqual(middle);
    expect(alone).not.toEqual(middle);
    // Sound alone sees no picture, so how many there are changes nothing.
    const audio = tuned({ mode: "audio-only" });
    expect(await of(audio, names[1])).toEqual(await of(audio, names[0]));
    const [told] = await run([names[0]], audio);
    expect(told.protocol.mode).toBe("audio-only pass of a model fine-tuned on sound alone");
    expect(told.protocol.notes.join()).toContain("epoch 2, the best; fine-tuned audio-only, full, cross-entropy");
  });

  it("counts negatives, as many as clips, and time steps", async () => {
    const [silent, offScreen] = await run(["localization-silent", "localization-off-screen"], pretrained(false));
    for (const { figures } of [silent, offScreen]) {
      const presence = figures.find(({ name }) => name === "presence, AP");
      // Seven of fourteen: a random order scores more than one half (chance.ts).
      expect(presence?.baseline).toEqual({ name: "chance", value: chanceAveragePrecision(7, 14) });
    }
    const value = ({ figures }: typeof silent) => figures.find(({ name }) => name === "presence, AP")?.value;
    expect(value(silent)).not.toEqual(value(offScreen));
    const timed = ["localization-ez-vsl", "localization-over-time", "localization-sound-windows"];
    const made = await run(timed, pretrained(false));
    const values = made.map(({ figures }) => figures.map((figure) => figure.value).join());
    expect(new Set(values).size).toBe(3);
  });

  it("scores a classifier under VGGSounder's labels, with sound, with pictures, with both", async () => {
    const clips = sets.test.items.map(({ id, labels }, at) => `${id},${labels[0]},${["A", "V", "AV"][at % 3]}`);
    const vggsounder = readVggSounder(["video_id,label,modality", ...clips.slice(0, 6)].join("\n"));
    const [section] = await run(["vggsounder"], tuned(), { vggsounder });
    expect([section.evaluated, section.leftOut["not-in-vggsounder"]]).toEqual([6, 1]);
    expect(section.figures.map(({ name }) => name).slice(0, 4)).toEqual([
      ...["sound alone, F1", "sound alone, hit rate", "pictures alone, F1", "pictures alone, hit rate"],
    ]);
    await expect(run(["vggsounder"], tuned())).rejects.toThrow("there are no labels to score against");
    await expect(run(["vggsounder"], pretrained(false), { vggsounder })).rejects.toThrow("is not a classifier of both");
    const task = JSON.parse(resultsMteb({ title: "t", about: [["model", "m"]], sections: [section] }, "test")).tasks[0];
    expect(task.task_name).toBe("vggsounder");
    expect(task.scores.test[0]).toMatchObject({ main_score: section.figures[0].value, effective_n: 6 });
    expect(task.scores.test[0].intervals.sound_alone_f1).toHaveLength(2);
  });

  it("tags where clips have several labels", async () => {
    const labels = [["bell"], ["bell", "drum"], ["drum", "siren"]];
    const several = (from: number, count: number) =>
      memorySet(many(from, count, (index) => madeClip(index, labels[index % 3])));
    const mixed = { train: several(0, 11), validation: memorySet([]), test: several(100, 7) };
    const [probe] = await run(["linear-probe-joint"], pretrained(false), { sets: mixed });
    expect(probe.figures.map(({ name }) => name)).toEqual(["mAP", "AUC", "d-prime"]);
    expect(probe.protocol.notes.join()).toContain("any number of labels per clip");
    // The picture report's probe is of one label: 7 of the 11 and 5 of the 7 clips have two.
    const { classification } = await evaluateTasks(subject(pretrained(false), { sets: mixed }));
    expect(classification?.joint.protocol.notes).toContain(
      "12 of 18 clips have several labels: each is of the class of its first",
    );
    const [scored] = await run(
      ["classification-middle-frame"],
      tuned({ loss: { kind: "binary-cross-entropy", labelSmoothing: 0 } }),
      { sets: mixed },
    );
    expect(scored.figures.map(({ name }) => name)).toEqual(["mAP", "AUC", "d-prime"]);
  });
});

describe("wrong use", () => {
  it("a name that is no protocol", () => {
    expect(() => protocolsNamed(["retrieval"])).toThrow(
      'there is no protocol named "retrieval". Use one of classification-middle-frame, classification-10-frames,',
    );
  });

  it("a model of another kind", async () => {
    await expect(run(["classification-10-frames"], pretrained(false))).rejects.toThrow(
      "protocol classification-10-frames: the model is pretrained and has no classes. Give a classifier that kdc-mae finetune made, or use linear-probe-joint",
    );
    await expect(run(["inpainting-random-75"], tuned())).rejects.toThrow(
      "has no decoder any more. Give the pretrained model",
    );
    await expect(run(["classification-missing-audio"], tuned({ mode: "visual-only" }))).rejects.toThrow(
      "the classifier was fine-tuned with mode visual-only: it takes one modality, and none can be missing",
    );
  });

  it("normalised pixels, unless they are to be brought back, and then it says so", async () => {
    await expect(run(["inpainting-time-50"], pretrained(true))).rejects.toThrow(
      "protocol inpainting-time-50: the model was trained on normalised visual pixels, so its predictions are not pixels, and their error would not be one of pixels. Evaluate a model trained without normPixels, or give --denormalize",
    );
    const [section] = await run(["inpainting-time-50"], pretrained(true), { denormalize: true });
    expect(section.protocol.name).toBe("inpainting-time-50-visual-de-normalized");
    expect(section.protocol.notes.join()).toContain("brought back with the TRUE mean and deviation");
  });

  it("one protocol that fails leaves the others their figures, and is named", async () => {
    const failed: { protocol: string; message: string }[] = [];
    const names = ["retrieval-middle-frame", "classification-10-frames", "inpainting-random-75", "linear-probe-audio"];
    const chosen = protocolsNamed(names);
    const sections = await runProtocols(chosen, subject(pretrained(false)), (one) => failed.push(one));
    expect(sections.map(({ protocol }) => protocol.name)).toEqual([names[0], names[2], names[3]]);
    expect(failed).toEqual([
      { protocol: names[1], message: expect.stringContaining("the model is pretrained and has no classes") },
    ]);
    const results = { title: "t", about: [], sections, failed };
    for (const page of [resultsText(results), resultsMarkdown(results), resultsHtml(results), resultsJson(results)]) {
      expect(page).toContain("the model is pretrained and has no classes");
    }
    // Where nothing is left there is nothing to write.
    const alone = runProtocols([chosen[1]], subject(pretrained(false)), () => undefined);
    await expect(alone).rejects.toThrow("the model is pretrained and has no classes");
  });

  it("labels that are none of the model's classes", async () => {
    const strange = { ...sets, test: memorySet([madeClip(1, ["bell"]), madeClip(2, ["horn"])]) };
    await expect(run(["classification-middle-frame"], tuned(), { sets: strange })).rejects.toThrow(
      "test clips: labels that are none of the 3 classes: horn; the classes are bell, drum, siren. Correct the labels",
    );
    await expect(run(["linear-probe-audio"], pretrained(false), { sets: strange })).rejects.toThrow(
      "test clips: labels that are none of the 3 classes: horn",
    );
  });

  it.each(["linear-probe-joint", "attentive-probe-joint"])(
    "%s: a clip to choose on without a label, or with a label of no training clip, is refused",
    async (name) => {
      const withOne = (labels: readonly string[]) =>
        run([name], pretrained(false), {
          sets: { ...sets, validation: memorySet([...many(50, 5), madeClip(60, labels)]) },
        });
      await expect(withOne([])).rejects.toThrow(
        /^validation clips: clip clip-\d+ has no label\. Label every clip, or leave it out of the manifest/,
      );
      await expect(withOne(["horn"])).rejects.toThrow("validation clips: labels that are none of the 3 classes: horn");
    },
  );

  it("a class without positives, which then takes no part", async () => {
    const two = { ...sets, test: memorySet(many(100, 9).filter(({ item }) => item.labels[0] !== "drum")) };
    const [section] = await run(["classification-middle-frame"], tuned(), { sets: two });
    expect(section.warnings).toEqual(["1 kinds have no clips here and take no part in mAP and AUC: drum"]);
    expect(section.tables[0].rows[1].slice(0, 3)).toEqual(["drum", "0", "no positive clips"]);
  });

  it("a test set of one class", async () => {
    const one = { ...sets, test: memorySet(many(100, 9).filter(({ item }) => item.labels[0] === "drum")) };
    const [section] = await run(["classification-middle-frame"], tuned(), { sets: one });
    expect(section.warnings).toEqual([
      "all 3 clips are labelled drum: accuracy is only that kind's recall, and mAP, AUC and d-prime do not exist",
    ]);
    expect(section.figures.find(({ name }) => name === "mAP")?.value).toBeNull();
    await expect(run(["localization-off-screen"], pretrained(false), { sets: one })).rejects.toThrow(
      /no other clip is of another class than clip-\d+ \(drum\). Give labelled clips of at least two classes/,
    );
    await expect(run(["linear-probe-joint"], pretrained(false), { sets: { ...one, train: one.test } })).rejects.toThrow(
      "training clips: every clip is labelled drum: there is nothing to tell apart. Give clips of at least two classes",
    );
  });

  it("NaN scores", async () => {
    const params = initClassifier(config, 3, createRng(3));
    params.head.linear.bias.data[1] = Number.NaN;
    await expect(run(["classification-middle-frame"], tuned({}, params))).rejects.toThrow(
      "classification: probabilities has NaN in row 0, column 0. Look for a diverged checkpoint",
    );
  });

  it("an empty gallery", async () => {
    const none = { ...sets, test: memorySet([]) };
    for (const name of ["retrieval-middle-frame", "retrieval-five-per-class"]) {
      await expect(run([name], pretrained(false), { sets: none })).rejects.toThrow(
        "data set: no clip of the test split could be used. Look at what was left out and why; paths begin",
      );
    }
  });

  it("clips of which some have no box, and one no label", async () => {
    const some = many(100, 4).map((clip, at) => (at < 3 ? clip : madeClip(103)));
    const [section] = await run(["localization-ez-vsl"], pretrained(false), {
      sets: { ...sets, test: memorySet(some) },
    });
    expect([section.evaluated, section.leftOut]).toEqual([3, { undecodable: 2, "no-box": 1 }]);
    // Of a clip without a label nobody knows which sounds are of another class: its own may be drawn.
    const bare = many(100, 4).map((clip, at) => (at > 0 ? clip : { ...clip, item: { ...clip.item, labels: [] } }));
    await expect(
      run(["localization-off-screen"], pretrained(false), { sets: { ...sets, test: memorySet(bare) } }),
    ).rejects.toThrow(/no other clip is of another class than clip-100 \(no label\)/);
  });

  it("clips without boxes", async () => {
    const plain = { ...sets, test: memorySet(many(100, 5, (index) => madeClip(index))) };
    await expect(run(["localization-ez-vsl"], pretrained(false), { sets: plain })).rejects.toThrow(
      "none of the 0 maps has a box inside the picture to be scored against",
    );
  });
});

it.each([
  [{ vggsounder: "vggsounder.csv" }, "evaluate, vggsounder: only protocols of vggsounder read it"],
  [{ denormalize: true }, "evaluate, denormalize: only protocols of inpainting read it"],
])("what is given to another protocol is refused before anything is read: %j", async (given, words) => {
  const asked = evaluate("nowhere.safetensors", { protocols: ["retrieval-middle-frame"], ...given });
  await expect(asked).rejects.toThrow(words);
});

it("a model that a protocol does not take, and a column that no clip has, are refused before any clip is read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-refused-"));
  const list = join(folder, "list.csv");
  await writeFile(list, "path,label,split\nnowhere.mp4,horn,test\n");
  const [media, env] = [join(folder, "made"), process.env];
  const refused = [
    [pretrained(false), { protocols: ["retrieval-middle-frame", "classification-middle-frame"] }, "has no classes"],
    [pretrained(false), { protocols: ["retrieval-middle-frame-global"] }, "has no global tokens"],
    [pretrained(true), { protocols: ["inpainting-time-50"] }, "was trained on normalised visual pixels"],
    [tuned(), { protocols: ["inpainting-random-75"] }, "has no decoder any more"],
    [tuned({ mode: "visual-only" }), { protocols: ["classification-missing-audio"] }, "none can be missing"],
    [tuned(), { protocols: ["vggsounder"] }, "there are no labels to score against"],
    [
      pretrained(false),
      { protocols: ["retrieval-middle-frame"], data: list, by: "speaker" },
      "The columns are: labels",
    ],
    [tuned(), { protocols: ["classification-middle-frame"], data: list }, "none of the 3 classes: horn"],
  ] as const;
  for (const [saved, { protocols, ...given }, words] of refused) {
    const where = "data" in given ? given : { media };
    await expect(evaluate(saved, { ...where, protocols, env })).rejects.toThrow(words);
  }
  expect(existsSync(media)).toBe(false);
  await rm(folder, { recursive: true });
});
