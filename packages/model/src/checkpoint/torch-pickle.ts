import { isKdcError, KdcError } from "@kdc-mae/core";
import type { CheckpointDtype } from "./dtypes.js";
import { Named, unpickle } from "./unpickle.js";

/** Numbers kept beside the pickle, in the archive entry `data/<key>`. `type` is missing where it is not read. */
class Storage {
  constructor(
    readonly key: string,
    readonly type: CheckpointDtype | undefined,
    readonly typeName: string,
    readonly length: number,
  ) {}
}

/** A storage whose type is read. */
export type TypedStorage = Storage & { readonly type: CheckpointDtype };

/** A tensor as the pickle tells it: a window on a storage. Offset and strides count numbers, not bytes. */
export class TorchTensor {
  constructor(
    readonly storage: TypedStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
    /** True where the stored numbers are the tensor's, negated (`torch.Tensor.is_neg`). */
    readonly negated: boolean,
  ) {}
}

/** A tensor of numbers that are not read, such as complex ones. */
export class UnreadTensor {
  constructor(readonly type: string) {}
}

const storageTypes: Readonly<Record<string, CheckpointDtype>> = {
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

const damaged = (what: string, cause?: unknown): KdcError =>
  new KdcError({
    where: "torch file",
    what,
    remedy: "The file is damaged; fetch or save it again",
    reason: "bad-checkpoint",
    cause,
  });

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const counts = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount);

function tensor(args: readonly unknown[], metadata: unknown): TorchTensor | UnreadTensor {
  const [storage, offset, shape, stride] = args;
  if (storage instanceof Storage && storage.type === undefined) return new UnreadTensor(storage.typeName);
  if (
    !(storage instanceof Storage) ||
    !isCount(offset) ||
    !counts(shape) ||
    !counts(stride) ||
    shape.length !== stride.length
  ) {
    throw damaged("a tensor has no valid storage, offset, shape and strides");
  }
  const empty = shape.includes(0);
  const last = empty ? 0 : shape.reduce((at, length, axis) => at + (length - 1) * stride[axis], offset) + 1;
  if (last > storage.length) {
    const claim = `[${shape.join(", ")}] from ${offset} with strides [${stride.join(", ")}]`;
    throw damaged(`a tensor ${claim} needs more than the ${storage.length} numbers of its storage ${storage.key}`);
  }
  // `conj` says nothing about real numbers, and complex ones are not read.
  const negated = metadata instanceof Map && metadata.get("neg") === true;
  return new TorchTensor(storage as TypedStorage, offset, shape, stride, negated);
}

/** A dictionary from what an OrderedDict is made of: nothing, or (as Python 2 wrote it) a list of pairs. */
function dictionary([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
  const made = new Map();
  if (Array.isArray(pairs)) for (const pair of pairs) if (Array.isArray(pair)) made.set(pair[0], pair[1]);
  return made;
}

/** The calls of which state dicts are made. All others are passed over, and refused only where they would be read. */
const calls: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  "collections.OrderedDict": dictionary,
  "torch._utils._rebuild_tensor": (args) => tensor(args, undefined),
  "torch._utils._rebuild_tensor_v2": (args) => tensor(args, args[6]),
  // For number types without a storage class of their own, none of which is read.
  "torch._utils._rebuild_tensor_v3": (args) => new UnreadTensor(args[6] instanceof Named ? args[6].name : "unknown"),
  "torch._utils._rebuild_parameter": (args) => args[0],
  "torch._utils._rebuild_parameter_with_state": (args) => args[0],
  // A tensor with attributes: (function, type, its arguments, state).
  "torch._tensor._rebuild_from_type_v2": ([of, , args]) =>
    of instanceof Named && Array.isArray(args) && of.name.startsWith("torch._utils.") ? call(of.name, args) : undefined,
};

const call = (name: string, args: readonly unknown[]): unknown =>
  Object.hasOwn(calls, name) ? calls[name](args) : undefined;

function persistent(id: unknown): Storage {
  const [kind, type, key, , length] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(type instanceof Named) || typeof key !== "string" || !isCount(length)) {
    throw damaged("a storage in the pickle is not (storage, type, key, location, count)");
  }
  const name = type.name.split(".").at(-1)!;
  return new Storage(key, Object.hasOwn(storageTypes, name) ? storageTypes[name] : undefined, type.name, length);
}

/**
 * Reads the pickle of a PyTorch archive. Tensors become {@link TorchTensor} or {@link UnreadTensor}, dictionaries maps.
 * What is made of anything else (an `argparse.Namespace`, a NumPy number, an optimizer) is passed over as
 * `Unbuilt`: no class is looked up and nothing in the file runs.
 *
 * @throws KdcError naming what is damaged
 */
export function parseTorchPickle(bytes: Uint8Array): unknown {
  try {
    return unpickle(bytes, { call, persistent });
  } catch (error) {
    if (isKdcError(error)) throw error;
    throw damaged(`its pickle cannot be read: ${(error as Error).message}`, error);
  }
}
