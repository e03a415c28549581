import { float32, type HostTensor, int32, KdcError } from "@kdc-mae/core";

/** Number types a checkpoint file may hold. */
export type CheckpointDtype = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U8" | "BOOL";

/** Bytes of one number. */
export const bytesPer: Readonly<Record<CheckpointDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Says that a file is sound, but holds numbers of a type that is not read. */
export const unreadType = (where: string, name: string, type: string): KdcError =>
  new KdcError({
    where,
    what: `${name} holds numbers of type ${type}, and this type is not read`,
    remedy: `Save it as float32, as model.float() of PyTorch makes it; types that are read: ${Object.keys(bytesPer).join(" ")}`,
    reason: "unread-type",
  });

/** IEEE 754 half precision, given as its 16 bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a float32. */
function fromBrain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

const floats: Partial<Record<CheckpointDtype, (view: DataView, at: number) => number>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => fromHalf(view.getUint16(at, true)),
  BF16: (view, at) => fromBrain(view.getUint16(at, true)),
};

const integers: Partial<Record<CheckpointDtype, (view: DataView, at: number) => number>> = {
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => view.getUint8(at),
};

/**
 * Little-endian bytes as a host tensor: every float type as float32, every whole-number type as int32.
 *
 * @throws KdcError for whole numbers that int32 cannot hold
 */
export function fromBytes(
  bytes: Uint8Array,
  type: CheckpointDtype,
  shape: readonly number[],
  name: string,
): HostTensor {
  const size = bytesPer[type];
  const count = bytes.byteLength / size;
  if (type === "F32" || type === "I32") {
    // A copy unless the bytes are alone, so that the numbers are aligned and keep no more than themselves in memory
    // (Node's Buffer.slice makes no copy).
    const buffer = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
    return type === "F32"
      ? float32(shape, new Float32Array(buffer as ArrayBuffer))
      : int32(shape, new Int32Array(buffer as ArrayBuffer));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const float = floats[type];
  if (float !== undefined) {
    const data = new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = float(view, i * size);
    return float32(shape, data);
  }
  const integer = integers[type]!;
  const data = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = integer(view, i * size);
    data[i] = value;
    if (data[i] !== value) {
      throw new KdcError({
        where: "checkpoint",
        what: `${name} holds ${value}, which does not fit in 32 bits`,
        remedy: "Leave this tensor out of the file, or store smaller numbers",
        reason: "overflow",
      });
    }
  }
  return int32(shape, data);
}
