import { type HostTensor, isKdcError, KdcError, sizeOf } from "@kdc-mae/core";
import { bytesPer, fromBytes } from "./dtypes.js";
import { isTorchTensor, parseTorchPickle, type Storage, type TorchTensor } from "./torch-pickle.js";
import { type Archive, openArchive } from "./zip-archive.js";

/** A pickle only describes; real ones are some hundred kilobytes. */
const longestPickle = 64 * 2 ** 20;

/** Keys under which training scripts put the state dict beside other things. */
const nests = ["model", "state_dict", "model_state_dict"];

function refuse(path: string, what: string, cause?: unknown): KdcError {
  return new KdcError({
    where: path,
    what,
    remedy: "Give a file written by torch.save(model.state_dict(), path) of PyTorch 1.6 or later, fetched completely",
    reason: "bad-checkpoint",
    cause,
  });
}

function stateDictOf(path: string, root: unknown): Map<string, TorchTensor> {
  if (!(root instanceof Map)) throw refuse(path, "it holds no dictionary of tensors");
  if (![...root.values()].some(isTorchTensor)) {
    const nest = nests.find((key) => root.get(key) instanceof Map);
    if (nest !== undefined) return stateDictOf(path, root.get(nest));
    throw refuse(path, `it holds no tensors; its keys are ${[...root.keys()].slice(0, 12).join(", ") || "none"}`);
  }
  for (const [key, value] of root) {
    if (typeof key !== "string" || !isTorchTensor(value))
      throw refuse(path, `its entry ${String(key)} is not a tensor`);
  }
  return root as Map<string, TorchTensor>;
}

const contiguous = (shape: readonly number[], stride: readonly number[]): boolean => {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && stride[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
};

/** The bytes of a tensor in row-major order, whatever its strides. */
function rowMajor(bytes: Uint8Array, { storage, offset, shape, stride }: TorchTensor): Uint8Array {
  const width = bytesPer[storage.type];
  const size = sizeOf(shape);
  if (contiguous(shape, stride)) return bytes.subarray(offset * width, (offset + size) * width);
  const out = new Uint8Array(size * width);
  for (let i = 0; i < size; i++) {
    let rest = i;
    let from = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]) * stride[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    out.set(bytes.subarray(from * width, (from + 1) * width), i * width);
  }
  return out;
}

/** Tensors that look at the same storage, so that it is read once and let go. */
function byStorage(state: ReadonlyMap<string, TorchTensor>): Map<string, { storage: Storage; names: string[] }> {
  const groups = new Map<string, { storage: Storage; names: string[] }>();
  for (const [name, { storage }] of state) {
    const key = `${storage.key} ${storage.type} ${storage.length}`;
    const group = groups.get(key) ?? { storage, names: [] };
    group.names.push(name);
    groups.set(key, group);
  }
  return groups;
}

async function readAll(archive: Archive, path: string): Promise<Record<string, HostTensor>> {
  const pickles = [...archive.entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1)
    throw refuse(path, `it is a zip archive with ${pickles.length} data.pkl, not a PyTorch file`);
  const root = pickles[0].slice(0, -"data.pkl".length);
  if (archive.entries.has(`${root}byteorder`)) {
    const order = new TextDecoder().decode(await archive.read(`${root}byteorder`, { atMost: 16 }));
    if (order !== "little") throw refuse(path, `its numbers are in ${order} byte order, and only little is read`);
  }
  const state = stateDictOf(path, parseTorchPickle(await archive.read(pickles[0], { atMost: longestPickle })));
  const made = new Map<string, HostTensor>();
  for (const { storage, names } of byStorage(state).values()) {
    const size = { exactly: storage.length * bytesPer[storage.type] };
    const bytes = await archive.read(`${root}data/${storage.key}`, size);
    for (const name of names) {
      const view = state.get(name)!;
      made.set(name, fromBytes(rowMajor(bytes, view), storage.type, view.shape, name));
    }
  }
  return Object.fromEntries([...state.keys()].map((name) => [name, made.get(name)!]));
}

/**
 * Reads the state dict of a `.pth` file (PyTorch's zip format), nested under `model` or `state_dict` or not.
 * Storages are read one at a time. Half, bfloat16 and double precision become float32.
 *
 * @throws KdcError where the file is truncated, damaged, no such file, or names a constructor that is not allowed
 */
export async function readTorchFile(path: string): Promise<Record<string, HostTensor>> {
  let archive: Archive | undefined;
  try {
    archive = await openArchive(path);
    return await readAll(archive, path);
  } catch (error) {
    if (isKdcError(error)) throw error;
    throw refuse(path, `it cannot be read as a PyTorch file: ${(error as Error).message.replace(/\.$/, "")}`, error);
  } finally {
    await archive?.close();
  }
}
