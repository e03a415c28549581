import { existsSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { type FloatTensor, type HostTensor, isKdcError, KdcError } from "@kdc-mae/core";
import { beginFile, fileError } from "@kdc-mae/core/node";
import type { ModelConfig } from "../config.js";
import type { ClassifierParams, ModelParams } from "../params.js";
import { expectChecksum, type SummedTensor, sumOf, withChecksum } from "./checksum.js";
import { fromBytes } from "./dtypes.js";
import { readRange } from "./read-range.js";
import { type Header, headerLength, readHeader, safetensorsChunks, storedAs, type TensorFile } from "./safetensors.js";
import { stateDict } from "./state-dict.js";
import { readTorchFile } from "./torch-file.js";

/**
 * Where the tensors of an open safetensors file lie: bytes `start` … `end` of the file.
 *
 * @throws KdcError (`bad-checkpoint`) where it is not a sound one
 */
export async function readOutline(file: FileHandle): Promise<Header> {
  const { size } = await file.stat();
  const length = headerLength(await readRange(file, 0, Math.min(8, size)), size);
  const first = 8 + length;
  const { entries, metadata } = readHeader(await readRange(file, 8, first), size - first);
  const placed = entries.map(({ start, end, ...entry }) => ({ ...entry, start: first + start, end: first + end }));
  return { entries: placed, metadata };
}

/** Reads a safetensors file tensor by tensor, so that a large one is never held twice. */
async function readSafetensors(file: FileHandle): Promise<TensorFile> {
  const { entries, metadata } = await readOutline(file);
  const tensors: [string, HostTensor][] = [];
  const sums: SummedTensor[] = [];
  for (const { name, type, shape, ...at } of entries) {
    const bytes = await readRange(file, at.start, at.end);
    sums.push({ name, type, shape, sha256: sumOf(bytes) });
    tensors.push([name, fromBytes(bytes, type, shape, name)]);
  }
  return { tensors: Object.fromEntries(tensors), metadata: expectChecksum(metadata, sums) };
}

type Kind = "torch" | "old-torch" | "safetensors" | "page" | "empty";

/**
 * What a file is by its first bytes. A safetensors header begins after its length with `{`, whatever the length's bytes
 * look like (19,280 of them begin with `PK`, as a zip archive does); only then do the marks of other formats count.
 */
function kindOf(first: Uint8Array): Kind {
  if (first.byteLength === 0) return "empty";
  if (first[8] === 0x7b && first[5] === 0 && first[6] === 0 && first[7] === 0) return "safetensors";
  if (first[0] === 0x50 && first[1] === 0x4b) return "torch";
  if (first[0] === 0x80 && first[1] <= 5) return "old-torch";
  return /^\s*<(!|html|\?xml)/i.test(new TextDecoder().decode(first)) ? "page" : "safetensors";
}

const unread: Partial<Record<Kind, readonly [what: string, remedy: string]>> = {
  "old-torch": [
    "it was saved by PyTorch before 1.6, in a format that is not read",
    "Load and save it again with a current PyTorch",
  ],
  page: ["it is a web page, not a checkpoint", "Fetch the file itself, not the page it is linked from"],
  empty: ["it is empty", "Fetch or write it again"],
};

async function readOpen(path: string, file: FileHandle): Promise<TensorFile> {
  const kind = kindOf(await readRange(file, 0, 16));
  if (kind === "torch") return { tensors: await readTorchFile(path), metadata: {} };
  if (kind === "safetensors") return await readSafetensors(file);
  const [what, remedy] = unread[kind]!;
  throw new KdcError({ where: path, what, remedy, reason: "bad-checkpoint" });
}

/**
 * Reads a checkpoint, `.safetensors` or PyTorch's `.pth`; what is in it decides which, not its name.
 *
 * @throws KdcError where the file is not there, damaged (a file with a checksum: in any bit), or of another kind
 *
 * @example
 * ```ts
 * import { loadModel, presets } from "@kdc-mae/model";
 * import { readCheckpoint } from "@kdc-mae/model/node";
 *
 * const { tensors, metadata } = await readCheckpoint("model.safetensors");
 * const { params } = loadModel(presets.tiny, tensors);
 * ```
 */
export async function readCheckpoint(path: string): Promise<TensorFile> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    return await readOpen(path, file);
  } catch (cause) {
    // Say which file, where the reader of bytes could only say what kind.
    if (isKdcError(cause)) throw new KdcError({ ...cause, where: path, cause });
    const { what, remedy } = fileError("read", path, cause);
    throw new KdcError({ where: path, what, remedy, reason: "no-file", cause });
  } finally {
    await file?.close();
  }
}

/**
 * Writes any named tensors as a safetensors file with a checksum over all of it in its metadata, which
 * {@link readCheckpoint} looks at; whoever reads sees the old file or the whole new one.
 *
 * @param options `before`: where the file that stood there is kept, replacing what was kept before; `expectStill` is
 * called when all is written and nothing replaced, and throws where the tensors changed meanwhile
 */
export async function writeTensors(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
  { before, expectStill }: { readonly before?: string; readonly expectStill?: () => void } = {},
): Promise<void> {
  const file = await beginFile(path);
  try {
    for (const piece of summedChunks(tensors, metadata)) await file.write(piece);
    await file.finish(async () => {
      expectStill?.();
      if (before !== undefined && existsSync(path)) await rename(path, before);
    });
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function summedChunks(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>>,
): readonly Uint8Array[] {
  const [, , ...data] = safetensorsChunks(tensors);
  const sums = Object.entries(tensors).map(([name, { dtype, shape }], index): SummedTensor => {
    return { name, type: storedAs[dtype], shape, sha256: sumOf(data[index]) };
  });
  return safetensorsChunks(tensors, withChecksum(metadata, sums));
}

/** `metadata`: free text to keep with it. `unused`: tensors to carry along, as a load returned them. */
export type SaveOptions = {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly unused?: Readonly<Record<string, HostTensor>>;
};

/**
 * Saves a model or a classifier under official names, so that PyTorch loads it with `safetensors.torch.load_file` and
 * `load_state_dict`. The config goes into the metadata as JSON, under `config`.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { initModel, presets } from "@kdc-mae/model";
 * import { saveCheckpoint } from "@kdc-mae/model/node";
 *
 * await saveCheckpoint("model.safetensors", presets.tiny, initModel(presets.tiny, createRng(1)));
 * ```
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
