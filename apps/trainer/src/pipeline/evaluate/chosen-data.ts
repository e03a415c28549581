import { existsSync } from "node:fs";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { type ClassLabels, readClassLabels } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";

/** Which clips a model is evaluated on; those of its own experiment unless given. */
export type DataChoice = {
  /** A manifest, a folder, prepared shards, or the address of such. */
  readonly data?: string;
  /** With `data`: where a manifest's paths begin; the manifest's folder unless given. */
  readonly mediaRoot?: string;
  /** With `data`: a class list that gives mids their names. */
  readonly classes?: string;
};

const isRemote = (path: string) => /^(https?|s3):\/\//.test(path);

/** A folder that prepare made, a tar or an address is shards; anything else is a manifest. */
export const dataAt = (path: string, mediaRoot?: string): CheckedExperiment["data"] =>
  isRemote(path) || path.endsWith(".tar") || existsSync(join(path, "dataset.json"))
    ? { kind: "shards", path, workers: 1 }
    : { kind: "manifest", path, mediaRoot };

/** @throws KdcError for options that say something of `data`, without it */
export function expectDataFor({ data, mediaRoot, classes }: DataChoice): void {
  if (data !== undefined || (mediaRoot === undefined && classes === undefined)) return;
  throw new KdcError({
    where: mediaRoot === undefined ? "--classes" : "--media-root",
    what: "it says how --data is read, and no --data is given",
    remedy: "Add --data, or leave it out: the data of the model's own experiment are read as the experiment says",
    reason: "usage",
  });
}

/** The class list of the data; the model's own where it was told one and it is still there. */
export async function classesFor(asked: string | undefined, own: string | undefined): Promise<ClassLabels | undefined> {
  if (asked !== undefined) return readClassLabels(asked);
  return own !== undefined && existsSync(own) ? readClassLabels(own) : undefined;
}
