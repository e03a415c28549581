import { type HostTensor, isKdcError, KdcError, sizeOf } from "@kdc-mae/core";
import { bytesPer, fromBytes, unreadType } from "./dtypes.js";
import { parseTorchPickle, TorchTensor, type TypedStorage, UnreadTensor } from "./torch-pickle.js";
import { pickleBudget, Unbuilt } from "./unpickle.js";
import { type Archive, openArchive } from "./zip-archive.js";

/** Keys under which training scripts put the state dict beside other things. */
const nests = ["model", "state_dict", "model_state_dict"];

/** How deep a state dict may lie in such dictionaries. */
const deepest = 4;

/**
 * How many numbers the tensors of a file may hold together: tensors may look at the same numbers (shared weights,
 * `expand`), but a small file must not ask for the whole memory.
 */
export const sharedNumbers = { times: 4, more: 16_000_000 } as const;

function refuse(path: string, what: string, cause?: unknown): KdcError {
  return new KdcError({
    where: path,
    what,
    remedy: "Give a file written by torch.save(model.state_dict(), path) of PyTorch 1.6 or later, fetched completely",
    reason: "bad-checkpoint",
    cause,
  });
}

function unreadObject(path: string, what: string): KdcError {
  return new KdcError({
    where: path,
    what,
    remedy: "Save plain tensors in PyTorch: torch.save(model.state_dict(), path). Nothing in the file was run",
    reason: "unread-object",
  });
}

const isTensor = (value: unknown): value is TorchTensor | UnreadTensor =>
  value instanceof TorchTensor || value instanceof UnreadTensor;

/** The dictionary of tensors: under one of the usual keys, or the whole. */
function stateDictOf(root: Map<unknown, unknown>, depth = 0): Map<unknown, unknown> | undefined {
  for (const key of depth < deepest ? nests : []) {
    const inner = root.get(key);
    const found = inner instanceof Map ? stateDictOf(inner, depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return [...root.values()].some(isTensor) ? root : undefined;
}

const listed = (keys: Iterable<unknown>) => [...keys].slice(0, 12).map(String).join(", ") || "none";

/** The tensors of a pickle by name; what stands beside them is not needed. */
function tensorsOf(path: string, root: unknown): Map<string, TorchTensor> {
  if (root instanceof Unbuilt) throw unreadObject(path, `it holds an object of ${root.of}, and objects are not built`);
  if (!(root instanceof Map)) throw refuse(path, "it holds no dictionary of tensors");
  const state = stateDictOf(root);
  if (state === undefined) {
    const [key, object] = [...root].find(([, value]) => value instanceof Unbuilt) ?? [];
    const beside =
      object === undefined ? "" : ` (${String(key)} is made by ${(object as Unbuilt).of}, which is not built)`;
    throw refuse(path, `it holds no tensors; its keys are ${listed(root.keys())}${beside}`);
  }
  const tensors = new Map<string, TorchTensor>();
  for (const [key, value] of state) {
    const name = String(key);
    if (value instanceof UnreadTensor) throw unreadType(path, name, value.type);
    // A tensor of a kind that is not known here, such as a sparse or a quantized one: the model may need it.
    if (value instanceof Unbuilt && /^torch\..*\._rebuild/.test(value.of)) {
      throw unreadObject(path, `${name} is made by ${value.of}, which is not built`);
    }
    if (value instanceof TorchTensor) tensors.set(name, value);
  }
  return tensors;
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
    for (let byte = 0; byte < width; byte++) out[i * width + byte] = bytes[from * width + byte];
  }
  return out;
}

/** One tensor's numbers, out of its storage's. */
function numbersOf(bytes: Uint8Array, view: TorchTensor, name: string): HostTensor {
  const made = fromBytes(rowMajor(bytes, view), view.storage.type, view.shape, name);
  if (!view.negated) return made;
  // A copy: another tensor may look at the same numbers as they are.
  return made.dtype === "float32"
    ? { ...made, data: made.data.map((value) => -value) }
    : { ...made, data: made.data.map((value) => -value) };
}

type Group = { readonly storage: TypedStorage; readonly names: string[] };

/** Tensors that look at the same storage, so that it is read once and let go. */
function byStorage(state: ReadonlyMap<string, TorchTensor>): Group[] {
  const groups = new Map<string, Group>();
  for (const [name, { storage }] of state) {
    const key = `${storage.key} ${storage.type} ${storage.length}`;
    const group = groups.get(key) ?? { storage, names: [] };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Refuses what would need more memory than its file can justify, before any of it is made. */
function expectReasonable(path: string, state: ReadonlyMap<string, TorchTensor>, groups: readonly Group[]): void {
  const stored = groups.reduce((sum, { storage }) => sum + storage.length, 0);
  const asked = [...state.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const most = sharedNumbers.times * stored + sharedNumbers.more;
  if (!(asked <= most)) {
    throw refuse(path, `its tensors hold ${asked} numbers, but only ${stored} are stored, so ${most} at most are read`);
  }
}

/** Programs that PyTorch writes as zip archives too, by an entry that only they have. */
const programs: readonly { readonly entry: RegExp; readonly what: string; readonly state: string }[] = [
  {
    entry: /^[^/]+\/(constants\.pkl$|code\/)/,
    what: "a TorchScript program (torch.jit.save)",
    state: "torch.jit.load(path, map_location='cpu').state_dict()",
  },
  {
    entry: /^([^/]+\/)?(archive_format|serialized_exported_program\.json)$/,
    what: "an exported program (torch.export.save)",
    state: "torch.export.load(path).state_dict",
  },
];

/** @throws KdcError for a program: its weights are there, and reading it would mean to run it */
function refusePrograms(path: string, { entries }: Archive): void {
  const program = programs.find(({ entry }) => [...entries.keys()].some((name) => entry.test(name)));
  if (program === undefined) return;
  throw new KdcError({
    where: path,
    what: `it is ${program.what}, not a file of weights`,
    remedy: `Take its weights out in PyTorch: torch.save(${program.state}, "weights.pth"). Nothing in the file was run`,
    reason: "unread-object",
  });
}

async function readAll(archive: Archive, path: string): Promise<Record<string, HostTensor>> {
  refusePrograms(path, archive);
  const pickles = [...archive.entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1)
    throw refuse(path, `it is a zip archive with ${pickles.length} data.pkl, not a PyTorch file`);
  const root = pickles[0].slice(0, -"data.pkl".length);
  if (archive.entries.has(`${root}byteorder`)) {
    const order = new TextDecoder().decode(await archive.read(`${root}byteorder`, { atMost: 16 }));
    if (order !== "little")
      throw refuse(path, `its numbers are in ${order}-endian byte order, and only little-endian is read`);
  }
  const pickle = parseTorchPickle(await archive.read(pickles[0], { atMost: pickleBudget.bytes }));
  const state = tensorsOf(path, pickle);
  const groups = byStorage(state);
  expectReasonable(path, state, groups);
  const made = new Map<string, HostTensor>();
  for (const { storage, names } of groups) {
    const size = { exactly: storage.length * bytesPer[storage.type] };
    const bytes = await archive.read(`${root}data/${storage.key}`, size);
    for (const name of names) made.set(name, numbersOf(bytes, state.get(name)!, name));
  }
  return Object.fromEntries([...state.keys()].map((name) => [name, made.get(name)!]));
}

/**
 * Reads the state dict of a `.pth` file (PyTorch's zip format), nested under `model` or `state_dict` or not. What stands
 * beside it, and what in it is no tensor, is passed over without being made. Storages are read one at a time. Half,
 * bfloat16 and double precision become float32.
 *
 * @throws KdcError where the file is truncated or damaged (`bad-checkpoint`), holds numbers of a type that is not read
 *   (`unread-type`), or needs an object made that is not known, or is a program (`unread-object`)
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
