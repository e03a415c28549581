import { type HostTensor, hostTensorFault, KdcError, sizeOf } from "@kdc-mae/core";
import { bytesPer, type CheckpointDtype, fromBytes, unreadType } from "./dtypes.js";

/** Tensors by name, and free text by name. */
export type TensorFile = {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Where one tensor lies: bytes `start` … `end` after the header. */
type Entry = {
  readonly name: string;
  readonly type: CheckpointDtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
};

export type Header = { readonly entries: readonly Entry[]; readonly metadata: Readonly<Record<string, string>> };

/** As the safetensors library does; a header is text about tensors and never needs more. */
const longestHeader = 100_000_000;

function broken(what: string): KdcError {
  return new KdcError({
    where: "safetensors",
    what,
    remedy: "The file is damaged or is not a safetensors file; fetch or write it again",
    reason: "bad-checkpoint",
  });
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function entryOf(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !/^[A-Z][A-Z0-9_]{1,15}$/.test(dtype)) {
    throw broken(`${name} has number type ${JSON.stringify(dtype)}, which is not a known one`);
  }
  if (!Object.hasOwn(bytesPer, dtype)) throw unreadType("safetensors", name, dtype);
  const type = dtype as CheckpointDtype;
  if (!Array.isArray(shape) || !shape.every(isCount)) throw broken(`${name} has shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw broken(`${name} has data_offsets ${JSON.stringify(offsets)}`);
  }
  const [start, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * bytesPer[type];
  if (end - start !== bytes) {
    throw broken(`${name} is ${type} [${shape.join(", ")}] and needs ${bytes} bytes, but has ${end - start}`);
  }
  return { name, type, shape, start, end };
}

/**
 * Length of the header in bytes.
 *
 * @param first the first 8 bytes of the file
 * @param fileSize bytes
 */
export function headerLength(first: Uint8Array, fileSize: number): number {
  if (first.byteLength < 8) throw broken(`the file has ${fileSize} bytes, too few for a header`);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(longestHeader) || Number(length) > fileSize - 8) {
    throw broken(`the header claims ${length} bytes, but the file has ${fileSize}`);
  }
  return Number(length);
}

/**
 * Checks a header and says where every tensor lies.
 *
 * @param json the header's bytes
 * @param dataLength bytes after the header
 */
export function readHeader(json: Uint8Array, dataLength: number): Header {
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    throw broken("the header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw broken("the header is not a JSON object");
  const { __metadata__: given, ...named } = header;
  const metadata = given ?? {};
  if (typeof metadata !== "object" || Object.values(metadata).some((v) => typeof v !== "string")) {
    throw broken("the metadata is not an object of strings");
  }
  const entries = Object.entries(named)
    .map(([name, value]) => entryOf(name, value))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let reached = 0;
  for (const { name, start, end } of entries) {
    if (start !== reached)
      throw broken(`${name} starts at byte ${start}, expected ${reached}: tensors overlap or leave holes`);
    reached = end;
  }
  if (reached !== dataLength)
    throw broken(`the header describes ${reached} bytes of data, but there are ${dataLength}`);
  return { entries, metadata: metadata as Record<string, string> };
}

/**
 * Reads a whole safetensors file from memory.
 *
 * @throws KdcError where the bytes are not a sound file
 */
export function parseSafetensors(bytes: Uint8Array): TensorFile {
  const length = headerLength(bytes.subarray(0, 8), bytes.byteLength);
  const data = bytes.subarray(8 + length);
  const { entries, metadata } = readHeader(bytes.subarray(8, 8 + length), data.byteLength);
  const tensors = entries.map(
    ({ name, type, shape, start, end }) => [name, fromBytes(data.subarray(start, end), type, shape, name)] as const,
  );
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** The type under which a tensor in memory is stored. */
export const storedAs = { float32: "F32", int32: "I32" } as const satisfies Record<
  HostTensor["dtype"],
  CheckpointDtype
>;

/**
 * The bytes of a safetensors file in pieces to be written one after another: the header, then each tensor.
 * The pieces share memory with the tensors.
 */
export function safetensorsChunks(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: [string, object][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  const data: Uint8Array[] = [];
  let reached = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const fault = Array.isArray(tensor?.shape) ? hostTensorFault(tensor) : "is no host tensor";
    if (fault !== undefined) {
      throw new KdcError({
        where: "safetensors",
        what: `${name} ${fault}`,
        remedy: "Give host tensors by their names; Object.fromEntries(treeLeaves(tree)) makes such a record of a tree",
        reason: "shape",
      });
    }
    const { buffer, byteOffset, byteLength } = tensor.data;
    header.push([
      name,
      { dtype: storedAs[tensor.dtype], shape: tensor.shape, data_offsets: [reached, reached + byteLength] },
    ]);
    data.push(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
    reached += byteLength;
  }
  return [...headerBytes(Object.fromEntries(header)), ...data];
}

/** The first 8 bytes of a file, and its header. */
function headerBytes(
  header: Readonly<Record<string, unknown>> & { readonly __metadata__?: object },
): readonly [Uint8Array, Uint8Array] {
  const odd = Object.entries(header.__metadata__ ?? {}).find(([, value]) => typeof value !== "string");
  if (odd !== undefined) {
    throw new KdcError({
      where: "safetensors",
      what: `the metadata ${odd[0]} is ${JSON.stringify(odd[1])}, and a file with anything but text there is read by nobody`,
      remedy: "Write it as text: String(value), or JSON.stringify(value)",
      reason: "metadata",
    });
  }
  const text = JSON.stringify(header);
  const bare = new TextEncoder().encode(text);
  // Spaces up to a multiple of 8, so that readers may map the numbers in place.
  const json = new Uint8Array(Math.ceil(bare.byteLength / 8) * 8).fill(0x20);
  json.set(bare);
  const first = new Uint8Array(8);
  new DataView(first.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  return [first, json];
}

/** A tensor that is written piece by piece. */
export type Outline = { readonly name: string; readonly type: CheckpointDtype; readonly shape: readonly number[] };

/**
 * What stands before the tensors in a file whose numbers are written one after another, in this order, as they come.
 *
 * @returns the bytes; the first tensor follows at once
 */
export function safetensorsHeader(
  outlines: readonly Outline[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let reached = 0;
  const tensors = outlines.map(({ name, type, shape }) => {
    const start = reached;
    reached += sizeOf(shape) * bytesPer[type];
    return [name, { dtype: type, shape, data_offsets: [start, reached] }] as const;
  });
  const [first, json] = headerBytes({ __metadata__: metadata, ...Object.fromEntries(tensors) });
  const bytes = new Uint8Array(first.length + json.length);
  bytes.set(first);
  bytes.set(json, first.length);
  return bytes;
}
