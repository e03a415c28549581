/** What is written of protobuf: by the ONNX graphs that are compiled, and by event files for TensorBoard. */

/** A piece of a protobuf message: its bytes, still in parts, and how many they are. */
export type WireBytes = { readonly length: number; readonly parts: readonly (Uint8Array | WireBytes)[] };

const utf8 = new TextEncoder();

const varintBytes = (value: number | bigint): Uint8Array => {
  const bytes: number[] = [];
  // Negative numbers are written as 64-bit two's complement, as protobuf's int64 asks.
  if (typeof value === "number" && value >= 0 && value < 2 ** 31) {
    let rest = value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
    return Uint8Array.from(bytes);
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
};

const tag = (field: number, wire: 0 | 1 | 2 | 5): Uint8Array => varintBytes(field * 8 + wire);

/** Fields one after the other. */
export function message(...parts: readonly (Uint8Array | WireBytes)[]): WireBytes {
  return { parts, length: parts.reduce((sum, part) => sum + part.length, 0) };
}

/** An integer field. */
export function integerField(field: number, value: number | bigint): WireBytes {
  return message(tag(field, 0), varintBytes(value));
}

/** A 32-bit float field. */
export function floatField(field: number, value: number): WireBytes {
  return message(tag(field, 5), new Uint8Array(Float32Array.of(value).buffer));
}

/** Numbers in little-endian float64, as wide as protobuf's `double`. */
const doubles = (values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setFloat64(8 * index, value, true);
  return bytes;
};

/** A 64-bit float field. */
export function doubleField(field: number, value: number): WireBytes {
  return message(tag(field, 1), doubles([value]));
}

/** A repeated 64-bit float field, packed. */
export function doublesField(field: number, values: readonly number[]): WireBytes {
  return bytesField(field, doubles(values));
}

/** A field holding bytes or another message. */
export function bytesField(field: number, value: Uint8Array | WireBytes): WireBytes {
  return message(tag(field, 2), varintBytes(value.length), value);
}

/** A text field. */
export function textField(field: number, value: string): WireBytes {
  return bytesField(field, utf8.encode(value));
}

/** All the bytes of a message, copied once. */
export function messageBytes(piece: WireBytes): Uint8Array {
  const bytes = new Uint8Array(piece.length);
  let position = 0;
  const write = (part: Uint8Array | WireBytes): void => {
    if (part instanceof Uint8Array) {
      bytes.set(part, position);
      position += part.length;
    } else part.parts.forEach(write);
  };
  write(piece);
  return bytes;
}
