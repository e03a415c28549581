import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import type { TensorFile } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import type { HubAccess } from "../share/hub-address.js";
import { localModel } from "../share/local-model.js";
import type { Surroundings } from "../surroundings.js";

/**
 * What is in the file of a model: the one way in which whatever takes a model reads it.
 *
 * @param path a file, or `hf://user/name[@revision][/file]`
 * @throws KdcError for what is no model's file, naming one that is likely meant
 */
export async function tensorsOfModel(path: string, options: Surroundings & HubAccess = {}): Promise<TensorFile> {
  const local = await localModel(path, options);
  await expectNoFolder(local);
  const file = await readCheckpoint(local);
  if (Object.keys(file.tensors).some((name) => name.startsWith("params."))) {
    throw new KdcError({
      where: `checkpoint ${path}`,
      what: "it is the state that a run goes on from, not a model",
      remedy:
        "Give the model.safetensors beside it, which is there when the run has ended (training.keep writes models on the way)",
      reason: "wrong-model",
    });
  }
  return file;
}

/** @throws KdcError (`unreadable`) for a folder, naming the models in it */
async function expectNoFolder(path: string): Promise<void> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isDirectory()) return;
  const isModel = (name: string) => /\.(safetensors|pth)$/.test(name) && !name.startsWith("state.");
  const models = (await readdir(path)).filter(isModel).sort();
  const [model] = models.includes("model.safetensors") ? ["model.safetensors"] : models;
  throw new KdcError({
    where: path,
    what: "it is a folder, not the file of a model",
    remedy: model === undefined ? "Give a .safetensors that kdc-mae wrote, or a .pth" : `Give ${join(path, model)}`,
    reason: "unreadable",
  });
}
