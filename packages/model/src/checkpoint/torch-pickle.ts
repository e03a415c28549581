import { KdcError } from "@kdc-mae/core";
import { BufferReader, Parser } from "pickleparser";
import type { StoredType } from "./dtypes.js";

/** Numbers kept beside the pickle, in the archive entry `data/<key>`. */
export type Storage = { readonly key: string; readonly type: StoredType; readonly length: number };

/** A tensor as the pickle tells it: a window on a storage. Offset and strides count numbers, not bytes. */
export type TorchTensor = {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
};

const tensors = new WeakSet<object>();

/** True for a tensor that {@link parseTorchPickle} made. */
export const isTorchTensor = (value: unknown): value is TorchTensor =>
  typeof value === "object" && value !== null && tensors.has(value);

const storageTypes: Readonly<Record<string, StoredType>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

const refuse = (what: string, remedy: string, cause?: unknown): KdcError =>
  new KdcError({ where: "torch file", what, remedy, reason: "bad-checkpoint", cause });

const damaged = (what: string, cause?: unknown) => refuse(what, "The file is damaged; fetch or save it again", cause);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function tensor(storage: Storage, offset: unknown, shape: unknown, stride: unknown): TorchTensor {
  const counts = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount);
  if (!isStorage(storage) || !isCount(offset) || !counts(shape) || !counts(stride) || shape.length !== stride.length) {
    throw damaged("a tensor has no sound storage, offset, shape and strides");
  }
  const size = shape.reduce((product, length) => product * length, 1);
  const last = size === 0 ? 0 : shape.reduce((at, length, axis) => at + (length - 1) * stride[axis], offset) + 1;
  if (last > storage.length || size > storage.length) {
    const claim = `[${shape.join(", ")}] from ${offset} with strides [${stride.join(", ")}]`;
    throw damaged(`a tensor ${claim} needs more than the ${storage.length} numbers of its storage ${storage.key}`);
  }
  const made = { storage, offset, shape, stride };
  tensors.add(made);
  return made;
}

const storages = new WeakSet<object>();
const isStorage = (value: unknown): value is Storage =>
  typeof value === "object" && value !== null && storages.has(value);

/** Everything a pickle may name. Frozen, so that a pickle's BUILD cannot change it. */
const allowed = new Map<string, unknown>(
  Object.entries({
    "collections.OrderedDict": () => new Map(),
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": (data: unknown) => data,
    ...Object.fromEntries(
      Object.entries(storageTypes).map(([name, type]) => [`torch.${name}`, { storageType: type } as const]),
    ),
  }).map(([name, value]) => [name, Object.freeze(value)]),
);

function resolveName(module: string, name: string): never {
  const found = allowed.get(`${module}.${name}`);
  if (found === undefined) {
    throw refuse(
      `the pickle names ${module}.${name}, which is not among the constructors of a plain state dict`,
      "Save the state dict alone in PyTorch: torch.save(model.state_dict(), path). Nothing in the file was run",
    );
  }
  return found as never;
}

function resolveStorage(id: unknown): Storage {
  const [kind, type, key, , length] = Array.isArray(id) ? id : [];
  const storageType = (type as { storageType?: StoredType } | undefined)?.storageType;
  if (kind !== "storage" || storageType === undefined || typeof key !== "string" || !isCount(length)) {
    throw damaged("a storage in the pickle is not (storage, type, key, location, count)");
  }
  const made = Object.freeze({ key, type: storageType, length });
  storages.add(made);
  return made;
}

/** A reader that never goes backwards: a negative length could otherwise make the parser run for ever. */
function forwardReader(bytes: Uint8Array): BufferReader {
  const reader = new BufferReader(bytes);
  const skip = reader.skip.bind(reader);
  reader.skip = (count) => {
    if (!isCount(count)) throw new Error(`a length of ${count}`);
    skip(count);
  };
  return reader;
}

/**
 * Reads the pickle of a PyTorch archive. Tensors become {@link TorchTensor}, dictionaries become maps. Only the
 * constructors of plain state dicts are known; any other name is refused, and nothing in the file runs.
 *
 * @throws KdcError naming the constructor that is refused, or what is damaged
 */
export function parseTorchPickle(bytes: Uint8Array): unknown {
  const parser = new Parser({
    nameResolver: { resolve: resolveName },
    persistentResolver: { resolve: resolveStorage },
    unpicklingTypeOfDictionary: "Map",
  });
  try {
    return parser.read(forwardReader(bytes));
  } catch (error) {
    if (error instanceof KdcError) throw error;
    throw damaged(`its pickle cannot be read: ${(error as Error).message}`, error);
  }
}
