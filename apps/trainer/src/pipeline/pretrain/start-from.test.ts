import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, type FloatTensor, treeLeaves } from "@kdc-mae/core";
import { initModel, presets, stateDict } from "@kdc-mae/model";
import { writeTensors } from "@kdc-mae/model/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startFrom } from "./start-from.js";

const small = { ...presets.tiny, embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 8 };
const wide = { ...small, globalToken: true, registers: 2, contrastHeads: 1, predictor: { dim: 8, heads: 2, depth: 1 } };
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-start-"));
  await writeTensors(join(folder, "plain.safetensors"), stateDict(small, initModel(small, createRng("other"))));
  await writeTensors(join(folder, "wide.safetensors"), stateDict(wide, initModel(wide, createRng("wide"))));
});
afterAll(() => rm(folder, { recursive: true }));

it("takes what a checkpoint of another arm has, begins the rest anew, and says so", async () => {
  const notes: string[] = [];
  const file = join(folder, "plain.safetensors");
  const started = await startFrom(file, wide, 4, { onNote: (note) => notes.push(note) });
  expect(notes).toEqual([
    `${file}: not in the checkpoint, so started from fresh weights: the predictor, global tokens, registers, contrast heads`,
  ]);
  const [before, fresh] = [initModel(small, createRng("other")), initModel(wide, createRng(4).fork("init"))].map(
    (params) => new Map(treeLeaves<FloatTensor>(params)),
  );
  for (const [path, { data }] of treeLeaves<FloatTensor>(started)) {
    expect([path, data]).toEqual([path, (before.get(path) ?? fresh.get(path))!.data]);
  }
});

it("takes all of a checkpoint that has them, and leaves nothing of one aside unsaid", async () => {
  const notes: string[] = [];
  await startFrom(join(folder, "wide.safetensors"), wide, 4, { onNote: (note) => notes.push(note) });
  expect(notes).toEqual([]);
  await expect(startFrom(join(folder, "wide.safetensors"), small, 4, {})).rejects.toThrow(
    "registers is 2, not undefined",
  );
});
