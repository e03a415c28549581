import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LogEntry } from "../pipeline/run/run-folder.js";
import { below, canStart, ended, run, start } from "./ranks.test.support.js";

let folder = "";
const of = (name: string) => join(folder, name);

const tiny = {
  model: { preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2 },
  optimizer: { learningRate: 1e-3, clipNorm: 1 },
  audio: { statistics: "measured", noise: true },
} as const;

/** Everything that ties clips of a batch together: contrast, shift-and-sum's minimum, a trained weighting, a teacher. */
const pretraining = {
  ...{ name: "ranks", ...tiny },
  masking: { kind: "complementary", views: 2, audioRatio: 0.75, visualRatio: 0.75 },
  objective: [
    ...[{ term: "reconstruction-audio" }, { term: "reconstruction-visual" }, { term: "contrastive" }],
    { term: "view-distillation" },
    { term: "view-distillation", name: "teacher", options: { target: "teacher", divergence: "mse" } },
  ],
  weighting: "learned",
};
const reproducible = { batch: 8, epochs: 3, reproducible: true };

/** What a run ended with: the model's bytes, and losses. */
async function outcome(out: string) {
  const log = (await readFile(join(out, "log.jsonl"), "utf8")).trim().split("\n");
  const entries = log.map((line): LogEntry => JSON.parse(line));
  return { model: await readFile(join(out, "model.safetensors"), "hex"), losses: entries.map(({ losses }) => losses) };
}
async function experiment(name: string, value: object): Promise<string> {
  const path = of(`${name}.json`);
  await writeFile(path, JSON.stringify({ data: { kind: "manifest", path: of("media/manifest.jsonl") }, ...value }));
  return path;
}
async function pretrained(name: string, ranks: number, training: object, more: object = {}) {
  const path = await experiment(name, { ...pretraining, training, ...more });
  const out = of(`out-${name}`);
  const { code, output } = await run(ranks, ["pretrain", path, "--out", out, "--threads", "1"]);
  expect(output).toContain("model: ");
  expect(code).toBe(0);
  return outcome(out);
}
const shards = () => ({ data: { kind: "shards", path: of("shards"), split: "train" } });

describe.skipIf(!canStart)("under mpirun", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-ranks-"));
    const ffmpeg = (await locateFfmpeg({ env: process.env })).path;
    await makeSet({
      directory: of("media"),
      ffmpeg,
      counts: { train: 17, validation: 8, test: 3 },
      seed: 7,
      workers: 2,
    });
    const packing = ["--clips-per-shard", "5", "--frames", "2", "--size", "64"];
    expect(await run(1, ["prepare", of("media/manifest.jsonl"), "--out", of("shards"), ...packing])).toMatchObject({
      code: 0,
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("reproducible: 1, 2, 3 and 4 ranks end with the same bits, from memory and from shards", async () => {
    const one = await pretrained("one", 1, reproducible);
    for (const ranks of [2, 3, 4]) {
      expect(await pretrained(`many-${ranks}`, ranks, reproducible), `${ranks}`).toEqual(one);
    }
    const packed = await pretrained("one-shards", 1, reproducible, shards());
    for (const ranks of [2, 3]) {
      expect(await pretrained(`shards-${ranks}`, ranks, reproducible, shards()), `${ranks}`).toEqual(packed);
    }
  });

  it("is looked at by its first rank while it trains: probes, event files, kept models, and the same bits", async () => {
    const probes = { every: 1, clips: 8, pictures: 1 };
    const training = { ...reproducible, epochs: 2, probes, keep: { last: 1, best: true } };
    const path = await experiment("looked-at", { ...pretraining, training });
    const looked = async (ranks: number) => {
      const out = of(`looked-at-${ranks}`);
      const args = ["pretrain", path, "--out", out, "--threads", "1", "--tensorboard"];
      const { code, output } = await run(ranks, args);
      expect(output).toContain("probes: 8 of 8 validation clips");
      expect(code).toBe(0);
      const events = (await readFile(join(out, "events.jsonl"), "utf8")).trim().split("\n");
      expect(output.match(/computes on .*/g)).toEqual(["computes on ONNX Runtime, cpu, float32, 1 thread"]);
      expect(events.map((line) => JSON.parse(line).on).filter(Boolean)).toEqual([
        "ONNX Runtime, cpu, float32, 1 thread",
      ]);
      const kinds = new Set(events.map((line): string => JSON.parse(line).kind));
      expect([...kinds]).toEqual(expect.arrayContaining(["steps", "probe", "end"]));
      expect(await readdir(join(out, "tensorboard"))).toHaveLength(1);
      const files = ["best.safetensors", join("checkpoints", "epoch-0002.safetensors")];
      const kept = await Promise.all(files.map((file) => readFile(join(out, file), "hex")));
      return { ...(await outcome(out)), kept };
    };
    expect(await looked(2)).toEqual(await looked(1));
  });

  it("otherwise: losses within 2e-6 of one rank's whole batches", async () => {
    const free = { ...reproducible, reproducible: false };
    const one = await pretrained("free-1", 1, free, shards());
    for (const ranks of [2, 4]) {
      const many = await pretrained(`free-${ranks}`, ranks, free, shards());
      for (const [epoch, losses] of one.losses.entries()) {
        for (const [name, loss] of Object.entries(losses)) {
          const apart = Math.abs(many.losses[epoch][name] - loss) / Math.max(1, Math.abs(loss));
          expect(apart, `${name} of epoch ${epoch}`).toBeLessThan(2e-6);
        }
      }
    }
  });

  it("is stopped with 4 ranks, goes on with 3, loses one, and ends with 1 as if nothing had happened", async () => {
    const training = { ...reproducible, epochs: 12, checkpointSeconds: 0.001 };
    const one = await pretrained("whole", 1, training, shards());
    const path = await experiment("parts", { ...pretraining, training, ...shards() });
    const args = ["pretrain", path, "--out", of("out-parts"), "--threads", "1"];
    /** Waits until a checkpoint is newer than that, then hits the second rank. */
    const strike = async (child: ChildProcess, signal: NodeJS.Signals) => {
      const state = of("out-parts/state.safetensors");
      const before = existsSync(state) ? (await readFile(state)).toString("hex") : "";
      while (!existsSync(state) || (await readFile(state)).toString("hex") === before) {
        if (child.exitCode !== null) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      process.kill(below(child.pid!)[1], signal);
    };
    const stopped = start(4, args);
    const [, first] = await Promise.all([strike(stopped, "SIGTERM"), ended(stopped)]);
    expect(first).toMatchObject({ code: 75, output: expect.stringContaining("the same command goes on from here") });

    const killed = start(3, args);
    const [, second] = await Promise.all([strike(killed, "SIGKILL"), ended(killed)]);
    expect(second).toMatchObject({
      code: 137,
      output: expect.stringMatching(/rank 1 with PID \d+ on node \S+ exited on signal 9/),
    });

    const last = await run(1, args);
    expect(last.code, last.output).toBe(0);
    expect(await outcome(of("out-parts"))).toEqual(one);
  });

  it("fine-tunes to the same bits", async () => {
    const value = {
      ...{ name: "ranks-classifier", ...tiny, loss: { kind: "cross-entropy", labelSmoothing: 0.1 } },
      evaluation: { split: "test", frames: "middle" },
      ...{ training: { batch: 4, epochs: 2, reproducible: true }, averaging: { from: 1, to: 2 } },
    };
    const path = await experiment("tuning", value);
    const tuned = async (ranks: number) => {
      const out = of(`tuned-${ranks}`);
      expect(await run(ranks, ["finetune", path, "--out", out, "--threads", "1"])).toMatchObject({ code: 0 });
      const averaged = await readFile(join(out, "averaged.safetensors"), "hex");
      return { ...(await outcome(out)), averaged };
    };
    expect(await tuned(3)).toEqual(await tuned(1));
  });

  it("says once what is wrong, and what to install", async () => {
    const doctor = await run(2, ["doctor"]);
    expect(doctor.code).toBe(2);
    expect(doctor.output.match(/it is run by one process, and mpirun started 2/g)).toHaveLength(1);
    const path = await experiment("nothing", { ...pretraining, training: reproducible });
    const bare = await run(2, ["pretrain", path, "--out", of("nowhere")], { KDC_MAE_MPI: "libnone.so" });
    expect(bare.code).toBe(1);
    expect(bare.output).toMatch(/Debian, Ubuntu: openmpi-bin; Fedora, RHEL: openmpi, .*; conda-forge: openmpi/);
    const many = await run(5, ["pretrain", path, "--out", of("nowhere")]);
    expect(many.code).toBe(1);
    expect(many.output).toContain("there are 5 ranks, and an update has 4 pieces of 2 clips to share out");
  });
});
