import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@kdc-mae/core/node";
import type { CheckedExperiment } from "../experiment/schema.js";

/** Which epochs' models stay. */
export type KeepRule = NonNullable<CheckedExperiment["training"]["keep"]>;

/** Where they lie, beside the run's other files. */
export const KEPT_FOLDER = "checkpoints";

const nameOf = (epoch: number): string => `epoch-${String(epoch).padStart(4, "0")}.safetensors`;

const isEvery = (epoch: number, { every }: KeepRule): boolean => every !== undefined && epoch % every === 0;

/**
 * Writes the model of an epoch (counted from 1) where it is to be kept, then removes those before the last few.
 *
 * @param write saves the model as it is
 */
export async function keepEpoch(
  folder: string,
  keep: KeepRule,
  epoch: number,
  write: (file: string) => Promise<void>,
): Promise<void> {
  const { last = 0 } = keep;
  if (last === 0 && !isEvery(epoch, keep)) return;
  const path = join(folder, KEPT_FOLDER);
  await makeFolder(path);
  await write(join(path, nameOf(epoch)));
  const epochs = (await readdir(path)).flatMap((name) => {
    const [, number] = name.match(/^epoch-(\d+)\.safetensors$/) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
  for (const old of epochs) {
    if (old <= epoch - last && !isEvery(old, keep)) await rm(join(path, nameOf(old)), { force: true });
  }
}

/** How many models stay beside one another at most. */
export const mostKept = ({ last = 0, every, best }: KeepRule, epochs: number): number =>
  last + (every === undefined ? 0 : Math.floor(epochs / every)) + (best ? 1 : 0);
