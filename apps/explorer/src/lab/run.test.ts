import { expect, it } from "vitest";
import { expectTrainable } from "./run.js";
import { experimentOf } from "./run-wish.js";

const trainable = (record: object) =>
  expectTrainable(
    experimentOf({ clips: 8, batch: 4, epochs: 2, seed: 0, term: "", objective: JSON.stringify(record) }),
  );

it("trains the demo's recipe, and what a page can change of it", () => {
  expect(trainable({}).training.batch).toBe(4);
  const changed = {
    training: { gradientCheckpointing: "blocks" },
    optimizer: { learningRate: 1e-4 },
    weighting: "learned",
  };
  expect(trainable(changed).training.gradientCheckpointing).toBe("blocks");
});

it.each([
  [{ training: { microBatch: 2 } }, "training.microBatch is not read here"],
  [{ training: { reproducible: true } }, "training.reproducible is not read here"],
  [{ training: { keep: { last: 2 } } }, "training.keep is not read here"],
  [{ training: { rollback: {} } }, "training.rollback is not read here"],
  [{ training: { probes: {} } }, "training.probes is not read here"],
  [{ training: { accumulate: 2 } }, "accumulated batches need the command line"],
  [{ training: { checkpointSeconds: 60 } }, "training.checkpointSeconds is not read here"],
  [{ data: { workers: 2 } }, "data.workers is not read here"],
  [{ data: { scene: { acts: 3 } } }, "data.scene is not read here"],
  [
    {
      fixedTeacher: { model: "teacher.safetensors", sum: "0" },
      objective: [{ term: "reconstruction-visual" }, { term: "teacher-cosine" }],
    },
    "a teacher that is a file needs the command line",
  ],
  [{ teacher: { momentum: 0.9 } }, "nothing looks at a moving-average teacher here"],
  [
    { objective: [{ term: "view-distillation", options: { target: "teacher" } }] },
    "what looks at a moving-average teacher needs the command line",
  ],
  [
    {
      masking: { kind: "adaptive", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
      objective: [{ term: "reconstruction-visual" }, { term: "patch-sampling", weight: 1e-4 }],
    },
    "masks drawn by a network need the command line",
  ],
  [{ seed: 3 }, "seed is set by a field of the page"],
  [{ name: "mine" }, "name is set by a field of the page"],
  [{ training: { batch: 2 } }, "training.batch is set by a field of the page"],
  [{ training: { epochs: 2 } }, "training.epochs is set by a field of the page"],
  [{ data: { train: 2 } }, "data.train is set by a field of the page"],
  [{ data: { kind: "manifest", path: "clips.csv" } }, "data.kind is set by a field of the page"],
  [{ traning: {} }, "traning"],
])("refuses %j with one sentence", (record, words) => {
  expect(() => trainable(record)).toThrow(words);
});
