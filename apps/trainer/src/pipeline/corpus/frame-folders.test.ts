import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@kdc-mae/core";
import { initModel } from "@kdc-mae/model";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openEvaluated } from "../evaluate/open-subject.js";
import { protocolsNamed } from "../evaluate/protocols/run.js";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { config, statistics, tinyWith } from "../finetune/made-clips.test.support.js";
import { openFineTuningData } from "../finetune/open-data.js";
import { openPretraining } from "../pretrain/from-experiment.js";

const size = 56;
/** A picture of one grey, as PPM: what a file holds counts, not its ending. */
const picture = (grey: number) =>
  Buffer.concat([Buffer.from(`P6\n${size} ${size}\n255\n`), Buffer.alloc(size * size * 3, grey)]);

/** A second of a tone, 16 bit at 16 kHz. */
function tone(hertz: number): Buffer {
  const samples = Int16Array.from({ length: 16_000 }, (_, at) => 9000 * Math.sin((2 * Math.PI * hertz * at) / 16_000));
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write("WAVEfmt ", 8);
  for (const [value, at, bytes] of [
    [16, 16, 4],
    [1, 20, 2],
    [1, 22, 2],
    [16_000, 24, 4],
    [32_000, 28, 4],
    [2, 32, 2],
    [16, 34, 2],
  ]) {
    header.writeUIntLE(value, at, bytes);
  }
  header.write("data", 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

let root = "";
let elsewhere = "";
const list = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-frames-"));
  elsewhere = await mkdtemp(join(tmpdir(), "kdc-mae-frames-"));
  for (const frame of [0, 1, 2]) await mkdir(join(root, "frames", `frame_${frame}`), { recursive: true });
  const data: object[] = [];
  for (let n = 0; n < 5; n++) {
    await writeFile(join(n === 4 ? elsewhere : root, `v${n}.wav`), tone(300 + 100 * n));
    for (const frame of [0, 1, 2])
      await writeFile(join(root, "frames", `frame_${frame}`, `v${n}.jpg`), picture(50 * (frame + 1)));
    data.push({ video_id: `v${n}`, wav: `v${n}.wav`, video_path: "frames", labels: n % 2 === 0 ? "bell" : "drum" });
  }
  await symlink(join(elsewhere, "v4.wav"), join(root, "v4.wav"));
  await writeFile(list("train.json"), JSON.stringify({ data: data.slice(0, 2) }));
  await writeFile(list("test.json"), JSON.stringify({ data: data.slice(2) }));
});
afterAll(async () => {
  for (const folder of [root, elsewhere]) await rm(folder, { recursive: true });
});

const manifest = (name: string) => ({ kind: "manifest" as const, path: list(name) });

it("CAV-MAE's lists are pretrained on, fine-tuned on and evaluated, and no link leads out of the media root", async () => {
  const experiment = checkExperiment(
    { ...named.demo, data: manifest("train.json"), training: { batch: 2, epochs: 1 } },
    "test",
  );
  const { source, loader } = await openPretraining(experiment, root, {});
  for await (const { patches } of source.batches(0, 0)) expect(patches.visual.data.every(Number.isFinite)).toBe(true);
  await loader.close();
  expect(source.data?.fitted.clips).toBe(2);

  const evaluation = { data: manifest("test.json"), split: "test" as const };
  const tuning = tinyWith({ data: manifest("train.json"), evaluation, training: { batch: 2, epochs: 9 } });
  const notes: string[] = [];
  const tuned = await openFineTuningData(tuning, config, {
    ...{ media: root, statistics, onNote: (note: string) => void notes.push(note) },
  });
  expect(tuned.evaluation.items.map(({ id }) => id)).toEqual(["v2", "v3"]);
  // Of the clips that are scored, not of those that are fitted.
  expect(tuned.leftOut).toEqual({ "outside-root": 1 });
  expect(notes.join("\n")).toContain("it is a link that leads out of the media root");
  await tuned.close();

  const saved = { model: { config, statistics, experiment, params: initModel(config, createRng(1)) } };
  const retrieval = protocolsNamed(["retrieval-middle-frame"]);
  const { sets, leftOut } = await openEvaluated(retrieval, saved, { data: list("test.json") });
  expect(leftOut).toEqual({ test: { "outside-root": 1 } });
  const greys = [];
  for await (const { frames, original } of sets.test.read())
    greys.push([frames.map((data) => data[0]), original.width]);
  expect(greys).toEqual([
    [[50, 100, 150], size],
    [[50, 100, 150], size],
  ]);
  const allowed = await openEvaluated(retrieval, saved, { data: list("test.json"), allowOutside: true });
  expect(allowed.sets.test.items).toHaveLength(3);
});
