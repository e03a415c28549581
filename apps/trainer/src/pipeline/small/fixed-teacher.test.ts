import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FloatTensor, float32, visualGrid } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import type { BatchSource } from "../pretrain/masked-batches.js";
import { saveModel } from "../run/save-model.js";
import { studentExperiment } from "./distill.js";
import { openTeacher, readTeacher } from "./fixed-teacher.js";
import { inDirections, principalDirections } from "./principal.js";
import { apart, config, experiment, noise, params, patches, rng, statistics } from "./small-model.test.support.js";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-teacher-"));
  await saveModel(at("whole.safetensors"), { config, params, statistics, experiment });
});
afterAll(() => rm(folder, { recursive: true }));

describe("a teacher", { timeout: 600_000 }, () => {
  it("says what it makes of whole clips, in the directions that hold most of it", async () => {
    const student = await studentExperiment(at("whole.safetensors"), { out: "" });
    expect(student.model).toMatchObject({ embedDim: 12, heads: 2, modalityDepth: 1, visualLocality: [0, 0.2] });
    expect(student.audio.statistics).toEqual(statistics);
    const given = patches();
    const source = {
      stepsPerEpoch: 3,
      async *batches() {
        for (let batch = 0; batch < 3; batch++) yield { patches: given, views: [] };
      },
    };
    const own = { ...config, embedDim: 12, heads: 2, visualLocality: [0, 0.2] };
    const teacher = await readTeacher(student.fixedTeacher!, own, {});
    const around = { experiment: student, source, statistics, execute: compiled() };
    const opened = await openTeacher(teacher, own, around);
    const taught = await opened.teach(given);
    const plain = createBatchEmbedder(compiled(), config, params);
    const embedded = await plain.embed(given);
    const cosine = (x: Float32Array, y: Float32Array, D: number, a: number, b: number) => {
      const [u, v] = [x.slice(a * D, (a + 1) * D), y.slice(b * D, (b + 1) * D)];
      const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, value, d) => sum + value * q[d], 0);
      return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
    };
    for (const stream of ["joint", "audio", "visual"] as const) {
      expect(taught[stream].shape).toEqual([2, 1, 12]);
      const [one, other] = [taught[stream].data, embedded[stream].data];
      // Six vectors lie in six directions, so that twelve hold all of them.
      expect(cosine(one, one, 12, 0, 1)).toBeCloseTo(cosine(other, other, 24, 0, 1), 4);
    }
    // Of a student that has its sound normalised otherwise it hears what it was trained on.
    const other = { mean: -4, std: 5 };
    const { audio, visual } = given;
    const otherwise = { audio: { ...audio, data: audio.data.map((x) => (x * 4 - 6 - -4) / 5) }, visual };
    const same = { ...own, embedDim: 24 };
    const [usual, heard] = await Promise.all(
      [statistics, other].map((by) => openTeacher(teacher, same, { ...around, statistics: by })),
    );
    const [wanted, made] = [await usual.teach(given), await heard.teach(otherwise)];
    for (const stream of ["joint", "audio"] as const) {
      expect(apart(made[stream].data, wanted[stream].data)).toBeLessThan(1e-5);
      expect(apart((await usual.teach(otherwise))[stream].data, wanted[stream].data)).toBeGreaterThan(1e-2);
    }
    await Promise.all([opened.dispose(), plain.dispose(), usual.dispose(), heard.dispose()]);
    await expect(readTeacher({ ...student.fixedTeacher!, sum: "another" }, own, {})).rejects.toThrow(
      "it is not the model that this run was begun with",
    );
    await expect(readTeacher(student.fixedTeacher!, { ...own, visual: visualGrid(64, 16) }, {})).rejects.toThrow(
      "it cuts clips into other patches than the student",
    );
    await expect(readTeacher(student.fixedTeacher!, { ...own, embedDim: 32 }, {})).rejects.toThrow(
      "it has 24 channels and the student 32",
    );
  });

  it("has the same directions however a batch is divided", async () => {
    const own = { ...config, embedDim: 4, heads: 2, visualLocality: [0, 0.2] };
    const student = await studentExperiment(at("whole.safetensors"), { out: "" });
    const teacher = await readTeacher(student.fixedTeacher!, own, {});
    const three = [patches(), patches(), patches()];
    const both = (of: (one: ReturnType<typeof patches>) => FloatTensor): FloatTensor => {
      const [first, second] = three.slice(0, 2).map(of);
      return { ...first, shape: [4, ...first.shape.slice(1)], data: Float32Array.of(...first.data, ...second.data) };
    };
    const whole = [{ audio: both(({ audio }) => audio), visual: both(({ visual }) => visual) }];
    const taughtBy = async (batches: readonly ReturnType<typeof patches>[], pieces: number) => {
      const source: BatchSource = {
        ...{ stepsPerEpoch: batches.length, pieces },
        async *batches(_, __, wanted = () => true) {
          for (const [at, one] of batches.entries()) if (wanted(at)) yield { patches: one, views: [] };
        },
      };
      const opened = await openTeacher(teacher, own, { experiment: student, source, statistics, execute: compiled() });
      return opened.teach(three[0]).finally(opened.dispose);
    };
    // Of a batch of four clips in pieces of two, a third piece is left over, and no update sees it.
    const [one, divided] = [await taughtBy(whole, 1), await taughtBy(three, 2)];
    expect(apart(divided.joint.data, one.joint.data)).toBeLessThan(1e-4);
    expect(apart((await taughtBy(three, 1)).joint.data, one.joint.data)).toBeGreaterThan(1e-2);
  });

  it("directions: those that vectors lie in, whatever basis", () => {
    // In 7 channels, but all within two directions.
    const [u, v] = [noise(7).data, noise(7).data];
    const vectors = Array.from({ length: 20 }, () => {
      const [a, b] = [rng.normal(), rng.normal()];
      return Float32Array.from(u, (value, d) => a * value + b * v[d]);
    });
    const found = principalDirections(vectors, 2);
    expect(found.kept).toBeCloseTo(1, 6);
    const rows = float32([20, 7]);
    for (const [index, vector] of vectors.entries()) rows.data.set(vector, 7 * index);
    const inside = inDirections(rows, found);
    for (const [index, vector] of vectors.entries()) {
      const [a, b] = inside.data.subarray(2 * index, 2 * index + 2);
      expect(Math.hypot(a, b)).toBeCloseTo(Math.hypot(...vector), 4);
    }
    const { data } = found.rows;
    const dot = (i: number, j: number) =>
      data.subarray(7 * i, 7 * i + 7).reduce((sum, x, d) => sum + x * data[7 * j + d], 0);
    expect([dot(0, 0), dot(0, 1), dot(1, 1)].map((value) => Math.round(1e5 * value) / 1e5 + 0)).toEqual([1, 0, 1]);
  });
});
