import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { FloatTensor } from "@kdc-mae/core";
import { createRunner } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { features } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { embedFunction } from "../evaluate/embedding.js";
import { type Assume, readAssume } from "./assume.js";
import { convertModel } from "./convert.js";
import { configFor } from "./model-file.js";
import { expected, fixtures, patchesFor, worst } from "./official-numbers.test.support.js";
import { readModel } from "./read-saved.js";

const assume: Assume = { heads: 4, decoderHeads: 2 };
const tolerance = 1e-4;
let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-sync-"));
  await writeFile(at("cav-mae-sync.pth"), gunzipSync(await readFile(new URL("cav-mae-sync.pth.gz", fixtures))));
});
afterAll(() => rm(folder, { recursive: true }));

describe("an official CAV-MAE Sync checkpoint", () => {
  const archive = () => at("cav-mae-sync.pth");

  it("is known by its tokens, and embeds as the official class does, global tokens too", async () => {
    const notes: string[] = [];
    const model = await readModel(archive(), { assume, onNote: (note) => notes.push(note) });
    const { config, params, experiment } = model;
    expect(config).toMatchObject({ globalToken: true, registers: 8, contrastHeads: 2, audio: { columns: 4 } });
    expect(experiment.name).toBe("official-cav-mae-sync");
    expect(experiment.visual).toEqual({ framesPerClip: 16, window: 0.64, seconds: 10.24 });
    expect(configFor(experiment)).toMatchObject({ audio: config.audio, registers: 8 });
    expect(notes.join("\n")).toContain(
      "16 pictures of a clip of 10.24 s, each with the 0.64 s of sound around it; another: --assume clip-seconds=SECONDS",
    );
    const theirs = await expected("cav-mae-sync");
    const embed = ({ params, patches }: Parameters<ReturnType<typeof embedFunction>>[0]) => {
      const { globalAudio, globalVisual } = features(config, params, patches);
      const { audio, visual, joint } = embedFunction(config)({ params, patches });
      return { audio, visual, joint, globalAudio: globalAudio!, globalVisual: globalVisual! };
    };
    const runner = createRunner(compiled(), embed);
    const made = (await runner.run({ encoder: params.encoder }, { patches: patchesFor(config) })) as Record<
      string,
      FloatTensor
    >;
    await runner.dispose();
    for (const [stream, { data }] of Object.entries(made)) {
      expect([stream, worst(data, theirs[stream]) < tolerance]).toEqual([stream, true]);
    }
  });

  it("goes out under strictly the names the official class has, every number to the bit", async () => {
    await convertModel(archive(), at("sync.safetensors"), { assume });
    const before = (await readCheckpoint(archive())).tensors;
    const { tensors } = await readCheckpoint(at("sync.safetensors"));
    expect(Object.keys(tensors).sort()).toEqual(
      Object.keys(before)
        .map((name) => name.slice("module.".length))
        .sort(),
    );
    for (const [name, { data }] of Object.entries(before)) {
      const ours = tensors[name.slice("module.".length)].data;
      const same = Buffer.compare(Buffer.from(ours.buffer), Buffer.from(data.buffer)) === 0;
      if (!name.includes("pos_embed")) expect([name, same]).toEqual([name, true]);
    }
    const again = await readModel(at("sync.safetensors"));
    expect(again.experiment.visual.window).toBe(0.64);
    expect(again.config).toMatchObject({ globalToken: true, registers: 8, contrastHeads: 2 });
  });

  it("has clips of another length where somebody says so", async () => {
    const { experiment } = await readModel(archive(), { assume: { ...assume, clipSeconds: 1.92 } });
    expect(experiment.visual).toMatchObject({ window: 0.64, seconds: 1.92 });
    expect(await readAssume(["clip-seconds=4", "global-token=false"])).toEqual({ clipSeconds: 4, globalToken: false });
  });
});
