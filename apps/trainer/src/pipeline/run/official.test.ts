import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  countPatches,
  createRng,
  type FloatTensor,
  float32,
  type HostPatches,
  type HostView,
  int32,
  treeLeaves,
} from "@kdc-mae/core";
import type { Hosted } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { similarityMap } from "@kdc-mae/eval";
import {
  type ClassifierMode,
  classify,
  initModel,
  officialModel,
  officialModes,
  presets,
  sineCosinePositions,
  stateDict,
} from "@kdc-mae/model";
import { readCheckpoint, writeTensors } from "@kdc-mae/model/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import { reconstructFunction } from "../evaluate/reconstruct.js";
import { type Assume, readAssume } from "./assume.js";
import { convertModel } from "./convert.js";
import { expected, fixtures, patchesFor, worst } from "./official-numbers.test.support.js";
import { readClassifier, readModel, readSaved } from "./read-saved.js";

const assume: Assume = { heads: 4, decoderHeads: 2 };
const tolerance = 1e-4;

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-official-"));
  for (const name of ["cav-mae", "kdc-mae", "cav-mae-tuned", "kdc-mae-tuned"]) {
    await writeFile(at(`${name}.pth`), gunzipSync(await readFile(new URL(`${name}.pth.gz`, fixtures))));
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(["cav-mae", "kdc-mae"])("an official %s checkpoint", (name) => {
  it("embeds, points and fills in as the official class does", async () => {
    const { config, params } = await readModel(at(`${name}.pth`), { assume });
    expect(config).toMatchObject({
      ...{ embedDim: 64, modalityDepth: 2, jointDepth: 1, decoderDim: 32, decoderDepth: 1, positions: "fixed" },
      ...{ audio: { rows: 8, columns: 4, patch: 16, channels: 1 }, visual: { rows: 4, columns: 4, patch: 16 } },
    });
    const theirs = await expected(name);
    const patches = patchesFor(config);
    const embedder = createBatchEmbedder(compiled(), config, params);
    const { audio, visual, joint, tokens } = await embedder.embed(patches);
    await embedder.dispose();
    const heat = similarityMap(audio.data, float32([16, 64], tokens.data), config.visual);
    for (const [stream, values] of Object.entries({ audio, visual, joint, heat })) {
      expect([stream, worst(values.data, theirs[stream]) < tolerance]).toEqual([stream, true]);
    }

    const viewOf = (modality: "audio" | "visual") => {
      const visible = Array.from(theirs[`visible.${modality}`].data);
      const hidden = Array.from({ length: countPatches(config[modality]) }, (_, n) => n).filter(
        (n) => !visible.includes(n),
      );
      return {
        visible: int32([1, visible.length], Int32Array.from(visible)),
        hidden: int32([1, hidden.length], Int32Array.from(hidden)),
      };
    };
    const views = [{ audio: viewOf("audio"), visual: viewOf("visual") }] satisfies readonly HostView[];
    type Inputs = Parameters<ReturnType<typeof reconstructFunction>>[0];
    const inputs = { params, patches, views } as unknown as Hosted<Inputs>;
    const program = await compiled()(reconstructFunction(config), inputs);
    const [filled] = (await program.run(inputs)) as unknown as readonly Record<"audio" | "visual", FloatTensor>[];
    await program.dispose();
    for (const modality of ["audio", "visual"] as const) {
      const every16th = filled[modality].data.filter((_, index) => index % 16 === 0);
      expect([modality, worst(every16th, theirs[`predicted.${modality}`]) < tolerance]).toEqual([modality, true]);
    }
  });

  it("is written down once, every tensor to the bit, and then says everything itself", async () => {
    const notes: string[] = [];
    const written = await convertModel(at(`${name}.pth`), at("converted.safetensors"), {
      assume: { ...assume, normPix: false },
      onNote: (note) => notes.push(note),
    });
    expect(written).toMatchObject({ kind: "pretrained", assumed: { length: notes.length } });
    const before = await readCheckpoint(at(`${name}.pth`));
    const { tensors } = await readCheckpoint(at("converted.safetensors"));
    for (const [key, { data }] of Object.entries(before.tensors)) {
      expect([key, Buffer.compare(Buffer.from(tensors[key.slice(7)].data.buffer), Buffer.from(data.buffer))]).toEqual([
        key,
        0,
      ]);
    }
    const again: string[] = [];
    const model = await readModel(at("converted.safetensors"), { onNote: (note) => again.push(note) });
    expect(again).toEqual([]);
    expect(model.experiment.name).toBe(`official-${name}`);
    expect(model.experiment.objective[0].options).toEqual({ normPixels: false });
    expect(treeLeaves(model.params)).toEqual(treeLeaves((await readModel(at(`${name}.pth`), { assume })).params));
    await expect(readModel(at("converted.safetensors"), { assume })).rejects.toThrow(/says itself how it was made/);
    await expect(convertModel(at("converted.safetensors"), at("x"))).rejects.toThrow(
      /it holds everything that is needed/,
    );
  });
});

describe.each([
  ["cav-mae-tuned", Object.keys(officialModes)],
  ["kdc-mae-tuned", ["multimodal", "audio-only", "visual-only"]],
] as const)("an official fine-tuned checkpoint, %s", (name, modes) => {
  it("gives the official class's logits in every mode it has", async () => {
    const { config, params, classes } = await readClassifier(at(`${name}.pth`), { assume });
    expect([config.positions, classes.length]).toEqual(["learned", 7]);
    const theirs = await expected(name);
    const patches = patchesFor(config);
    for (const mode of modes as readonly ClassifierMode[]) {
      type Inputs = {
        readonly params: Parameters<typeof classify>[1];
        readonly patches: Parameters<typeof classify>[2];
      };
      const inputs = { params, patches } as unknown as Hosted<Inputs>;
      const program = await compiled()(
        (given: Inputs) => ({ logits: classify(config, given.params, given.patches, mode) }),
        inputs,
      );
      const { logits } = (await program.run(inputs)) as unknown as { readonly logits: FloatTensor };
      await program.dispose();
      expect([mode, worst(logits.data, theirs[officialModes[mode]]) < tolerance]).toEqual([mode, true]);
    }
  });
});

describe("what is assumed", () => {
  it("is said, each with what changes it, and can be changed", async () => {
    const notes: string[] = [];
    await readModel(at("cav-mae.pth"), { assume, onNote: (note) => notes.push(note) });
    expect(notes.map((note) => /another: --assume ([a-z-]+)=/.exec(note)?.[1])).toEqual([
      ...["statistics", "sample-rate", "mel-bins", "pictures", "heads", "decoder-heads", "norm-pix"],
    ]);
    expect(notes[0]).toBe(
      `${at("cav-mae.pth")}: assumed: log-mel values are normalised with mean -5.081 and deviation 4.4849; another: --assume statistics=MEAN,STD`,
    );
    const said = await readAssume(["statistics=-6,2.5", "sample-rate=22050", "norm-pix=false", "heads=8"]);
    const model = await readModel(at("cav-mae.pth"), { assume: { ...said, decoderHeads: 2 } });
    expect(model).toMatchObject({ statistics: { mean: -6, std: 2.5, sampleRate: 22050 }, config: { heads: 8 } });
    await expect(readAssume(["normpix=true"])).rejects.toThrow(
      /nothing is called "normpix". Give one of statistics=MEAN,STD/,
    );
    await expect(readAssume(["heads=many"])).rejects.toThrow(/"many" is no N/);
    const tuned: string[] = [];
    await readClassifier(at("cav-mae-tuned.pth"), { assume, onNote: (note) => tuned.push(note) });
    expect(tuned.map((note) => /another: --assume ([a-z-]+)=/.exec(note)?.[1])).toEqual([
      ...["statistics", "sample-rate", "mel-bins", "pictures", "heads", "loss", "mode", "classes"],
    ]);
    const few = { ...assume, classes: ["dog", "cat"] };
    await expect(readClassifier(at("cav-mae-tuned.pth"), { assume: few })).rejects.toThrow(
      /it names 2 classes, and the head of .+ has 7/,
    );
  });

  it("stands in docs/checkpoints.md, all of it", async () => {
    const page = await readFile(new URL("../../../../../docs/checkpoints.md", import.meta.url), "utf8");
    const documented = [...page.matchAll(/^\| .+ \| `([a-z-]+)=/gm)].map(([, name]) => name);
    const all = /Give one of (.+)$/.exec(String(await readAssume(["x"]).catch((error) => error)))?.[1] ?? "";
    expect(documented.sort()).toEqual([...all.matchAll(/([a-z-]+)=/g)].map(([, name]) => name).sort());
  });

  it("of pictures is the same as giving pictures normalised that way", async () => {
    const pictures = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.5] };
    const plain = await readModel(at("cav-mae.pth"), { assume: { ...assume, normPix: false } });
    const other = await readModel(at("cav-mae.pth"), { assume: { ...assume, normPix: false, pictures } });
    const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    const ours = patchesFor(plain.config);
    const theirs = {
      ...ours,
      visual: float32(
        ours.visual.shape,
        ours.visual.data.map((value, index) => {
          const c = index % 3;
          return (value * imageNet.std[c] + imageNet.mean[c] - pictures.mean[c]) / pictures.std[c];
        }),
      ),
    };
    const [a, b] = await Promise.all(
      [
        [plain, theirs],
        [other, ours],
      ].map(async ([model, patches]) => {
        const { config, params } = model as typeof plain;
        const embedder = createBatchEmbedder(compiled(), config, params);
        const made = await embedder.embed(patches as HostPatches);
        await embedder.dispose();
        return made;
      }),
    );
    expect(worst(a.joint.data, b.joint)).toBeLessThan(tolerance);
    expect(worst(a.joint.data, (await expected("cav-mae")).joint)).toBeGreaterThan(0.01);
  });

  it("is 64 channels a head, and 32 in the decoder, as in the published sizes", () => {
    const { audio, visual } = presets.base;
    const zeros = (shape: number[]) => float32(shape);
    const shapes = {
      "module.patch_embed_a.proj.weight": zeros([768, 1, 16, 16]),
      "module.patch_embed_v.proj.weight": zeros([768, 3, 16, 16]),
      "module.pos_embed_a": sineCosinePositions(audio, 768),
      "module.pos_embed_v": sineCosinePositions(visual, 768),
      "module.decoder_embed.weight": zeros([512, 768]),
      ...Object.fromEntries(
        ["blocks_a", "blocks_v", "blocks_u", "decoder_blocks"].flatMap((stack, index) =>
          Array.from({ length: [11, 11, 1, 8][index] }, (_, block) => [
            `module.${stack}.${block}.attn.qkv.weight`,
            zeros([1]),
          ]),
        ),
      ),
    };
    expect(officialModel(shapes)).toEqual({ config: presets.base });
    for (const classes of [309, 527, 11]) {
      expect(officialModel({ ...shapes, "module.mlp_head.1.weight": zeros([classes, 768]) }).classes).toBe(classes);
    }
  });
});

describe("what is no such checkpoint", () => {
  it("is refused with the reason", async () => {
    const image = { "patch_embed.proj.weight": float32([8, 3, 2, 2]), cls_token: float32([1, 1, 8]) };
    await writeTensors(at("mae.safetensors"), image);
    await expect(readSaved(at("mae.safetensors"))).rejects.toThrow(
      `checkpoint ${at("mae.safetensors")}: it is an image MAE (He et al. 2022): it has one branch for pictures, and nothing in it has heard a sound. Start from it and train`,
    );
    await writeTensors(at("other.safetensors"), { "layer.weight": float32([2]) });
    await expect(readSaved(at("other.safetensors"))).rejects.toThrow(/it has no audio and visual branch/);
    await expect(readModel(at("cav-mae.pth"), { assume: { melBins: 80 } })).rejects.toThrow(
      /do not make a whole spectrogram of 80 mel bins\. Say how many/,
    );
    await expect(readModel(at("cav-mae-tuned.pth"), { assume })).rejects.toThrow("it is a fine-tuned classifier");
    await expect(readClassifier(at("cav-mae.pth"), { assume })).rejects.toThrow("it is not a classifier");
  });

  it("nor is a file whose own config claims a larger spectrogram than it has positions for", async () => {
    const config = { ...presets.tiny, embedDim: 8, heads: 2, decoderDim: 8, decoderHeads: 2, modalityDepth: 1 };
    const tensors = stateDict(config, initModel(config, createRng(1)));
    const { experiment, statistics } = await readModel(at("cav-mae.pth"), { assume });
    await writeTensors(at("claims.safetensors"), tensors, {
      config: JSON.stringify({ ...config, audio: { ...config.audio, columns: 1000 } }),
      ...{ experiment: JSON.stringify(experiment), statistics: JSON.stringify(statistics) },
    });
    await expect(readModel(at("claims.safetensors"))).rejects.toThrow(
      "its config says 4 × 1000 patches, but its pos_embed_a has 48",
    );
  });
});
