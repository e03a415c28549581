import type { FileHandle } from "node:fs/promises";
import { nearestTurn, type Turn, upright } from "./turn.js";

/** What the head of a Matroska or WebM file says (RFC 9559). */
export type MatroskaFile = {
  readonly kind: "matroska";
  /** The segment promises bytes beyond the end of the file. */
  readonly cutShort: boolean;
  /** How the pictures of each track of pictures are turned, in the order of the tracks. */
  readonly turns: readonly Turn[];
};

const ids = { segment: 0x18538067, cluster: 0x1f43b675, tracks: 0x1654ae6b, entry: 0xae, type: 0x83 } as const;
const pictureIds = { video: 0xe0, projection: 0x7670, kind: 0x7671, yaw: 0x7673, pitch: 0x7674, roll: 0x7675 } as const;

/** This much of a file is looked at for its tracks, bytes. */
const headLength = 2 ** 20;

type Element = { readonly id: number; readonly body: number; readonly end: number };

/** Reads the head of a file of `size` bytes. */
export async function readMatroska(file: FileHandle, size: number): Promise<MatroskaFile> {
  const bytes = Buffer.alloc(Math.min(size, headLength));
  await file.read(bytes, 0, bytes.length, 0);
  const segment = elementsIn(bytes, 0, bytes.length).find(({ id }) => id === ids.segment);
  if (!segment) return { kind: "matroska", cutShort: false, turns: [] };
  const tracks = elementsIn(bytes, segment.body, segment.end).find(({ id }) => id === ids.tracks);
  const entries = tracks ? elementsIn(bytes, tracks.body, tracks.end).filter(({ id }) => id === ids.entry) : [];
  return {
    kind: "matroska",
    cutShort: Number.isFinite(segment.end) && segment.end > size,
    turns: entries.flatMap((entry) => turnOf(bytes, elementsIn(bytes, entry.body, entry.end))),
  };
}

/** Elements side by side; one of unknown length ends at infinity, and nothing is looked for after a cluster. */
function elementsIn(bytes: Buffer, start: number, end: number): Element[] {
  const found: Element[] = [];
  const stop = Math.min(end, bytes.length);
  for (let at = start; at < stop && found.length < 1000; ) {
    const width = Math.clz32(bytes[at]) - 23;
    if (width > 4 || at + width >= stop) break;
    const id = bytes.readUIntBE(at, width);
    const body = at + width + Math.clz32(bytes[at + width]) - 23;
    const length = lengthAt(bytes, at + width);
    if (length === undefined || body > stop) break;
    found.push({ id, body, end: body + length });
    if (id === ids.cluster) break;
    at = body + length;
  }
  return found;
}

function lengthAt(bytes: Buffer, at: number): number | undefined {
  const width = Math.clz32(bytes[at]) - 23;
  if (width > 8 || at + width > bytes.length) return undefined;
  let [value, ones] = [bytes[at] & (0xff >> width), (bytes[at] & (0xff >> width)) === 0xff >> width];
  for (let index = 1; index < width; index++) {
    value = value * 256 + bytes[at + index];
    ones &&= bytes[at + index] === 0xff;
  }
  return ones ? Number.POSITIVE_INFINITY : value;
}

/** The turn of a track's pictures, from its projection: yaw mirrors, roll turns against the clock. Empty for sound. */
function turnOf(bytes: Buffer, entry: readonly Element[]): Turn[] {
  const type = entry.find(({ id }) => id === ids.type);
  if (!type || bytes[type.body] !== 1) return [];
  const video = entry.find(({ id }) => id === pictureIds.video);
  const inside = video ? elementsIn(bytes, video.body, video.end) : [];
  const projection = inside.find(({ id }) => id === pictureIds.projection);
  if (!projection) return [upright];
  const parts = elementsIn(bytes, projection.body, projection.end);
  const number = (wanted: number): number => {
    const part = parts.find(({ id }) => id === wanted);
    if (!part) return 0;
    if (wanted === pictureIds.kind) return part.end > part.body ? bytes[part.end - 1] : 0;
    return part.end - part.body === 4 ? bytes.readFloatBE(part.body) : bytes.readDoubleBE(part.body);
  };
  const mirrored = Math.abs(number(pictureIds.yaw)) === 180;
  const flat = number(pictureIds.kind) === 0 && number(pictureIds.pitch) === 0;
  if (!flat || (!mirrored && number(pictureIds.yaw) !== 0)) return [upright];
  const angle = (number(pictureIds.roll) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  // Mirrored first, then turned against the clock (y runs down).
  const side = mirrored ? -1 : 1;
  return [nearestTurn([side * cos, -side * sin, sin, cos])];
}
