import { type FileHandle, open } from "node:fs/promises";
import { type FloatTensor, type HostTensor, isKdcError, KdcError } from "@kdc-mae/core";
import { writeWhole } from "@kdc-mae/core/node";
import type { ModelConfig } from "../config.js";
import type { ClassifierParams, ModelParams } from "../params.js";
import { fromBytes } from "./dtypes.js";
import { readRange } from "./read-range.js";
import { headerLength, readHeader, safetensorsChunks, type TensorFile } from "./safetensors.js";
import { stateDict } from "./state-dict.js";
import { readTorchFile } from "./torch-file.js";

/** Reads a safetensors file tensor by tensor, so that a large one is never held twice. */
async function readSafetensors(file: FileHandle): Promise<TensorFile> {
  const { size } = await file.stat();
  const length = headerLength(await readRange(file, 0, Math.min(8, size)), size);
  const start = 8 + length;
  const { entries, metadata } = readHeader(await readRange(file, 8, start), size - start);
  const tensors: [string, HostTensor][] = [];
  for (const entry of entries) {
    const bytes = await readRange(file, start + entry.start, start + entry.end);
    tensors.push([entry.name, fromBytes(bytes, entry.type, entry.shape, entry.name)]);
  }
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** What the first bytes of a file say it is. */
function kindOf(first: Uint8Array): "torch" | "old-torch" | "safetensors" {
  if (first[0] === 0x50 && first[1] === 0x4b) return "torch";
  return first[0] === 0x80 && first[1] <= 5 && first[8] !== 0x7b ? "old-torch" : "safetensors";
}

async function readOpen(path: string, file: FileHandle): Promise<TensorFile> {
  const kind = kindOf(await readRange(file, 0, 9));
  if (kind === "torch") return { tensors: await readTorchFile(path), metadata: {} };
  if (kind === "safetensors") return await readSafetensors(file);
  throw new KdcError({
    where: path,
    what: "it was saved by PyTorch before 1.6, in a format that is not read",
    remedy: "Load and save it again with a current PyTorch",
    reason: "bad-checkpoint",
  });
}

/**
 * Reads a checkpoint, `.safetensors` or PyTorch's `.pth`; its first bytes decide which, not its name.
 *
 * @throws KdcError where the file is not there, damaged, or of another kind
 */
export async function readCheckpoint(path: string): Promise<TensorFile> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    return await readOpen(path, file);
  } catch (cause) {
    // Say which file, where the reader of bytes could only say what kind.
    if (isKdcError(cause)) throw new KdcError({ ...cause, where: path, cause });
    const what = `it cannot be read: ${(cause as Error).message}`;
    throw new KdcError({ where: path, what, remedy: "Check the path", reason: "no-file", cause });
  } finally {
    await file?.close();
  }
}

/** Writes any named tensors as a safetensors file; whoever reads sees the old file or the whole new one. */
export const writeTensors = (
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => writeWhole(path, safetensorsChunks(tensors, metadata));

/** `metadata`: free text to keep with it. `unused`: tensors to carry along, as a load returned them. */
export type SaveOptions = {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly unused?: Readonly<Record<string, HostTensor>>;
};

/**
 * Saves a model or a classifier under official names, so that PyTorch loads it with `safetensors.torch.load_file` and
 * `load_state_dict`. The config goes into the metadata as JSON, under `config`.
 */
export function saveCheckpoint(
  path: string,
  config: ModelConfig,
  params: ModelParams<FloatTensor> | ClassifierParams<FloatTensor>,
  { metadata = {}, unused = {} }: SaveOptions = {},
): Promise<void> {
  const tensors = stateDict(config, params, unused);
  return writeTensors(path, tensors, { ...metadata, config: JSON.stringify(config) });
}
