import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import type { SavedModel } from "../run/model-file.js";
import type { IndexAbout } from "./clip-store.js";

/** Which model it is: its name and the SHA-256 of its file. */
export async function fingerprint(
  path: string,
  { experiment }: { readonly experiment: Pick<SavedModel["experiment"], "name"> },
): Promise<IndexAbout["model"]> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { name: experiment.name, sha256: hash.digest("hex"), path: resolve(path) };
}

const short = ({ name, sha256 }: IndexAbout["model"]) => `${name} (${sha256.slice(0, 12)}…)`;

/** @throws KdcError (`other-model`) when an index was made with another model: its vectors cannot be compared */
export function expectModel(where: string, about: IndexAbout, model: IndexAbout["model"]): void {
  if (about.model.sha256 === model.sha256) return;
  throw new KdcError({
    where: `index ${where}`,
    what: `it was made with another model: ${short(about.model)}, not ${short(model)}, and vectors of two models cannot be compared`,
    remedy: `Use the model it was made with (--model ${about.model.path}), or make another index with --index`,
    reason: "other-model",
  });
}
