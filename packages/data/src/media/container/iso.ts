import type { FileHandle } from "node:fs/promises";
import { nearestTurn, type Turn } from "./turn.js";

/** What the boxes of an MP4, MOV or 3GP file say (ISO/IEC 14496-12). */
export type IsoFile = {
  readonly kind: "iso";
  /** A box promises bytes beyond the end of the file. */
  readonly cutShort: boolean;
  /** There is an index (`moov`) of tracks. */
  readonly index: boolean;
  /** The file's brand, such as `isom` or `heic`. */
  readonly brand: string;
  /** How the pictures of each track of pictures are turned, in the order of the tracks. */
  readonly turns: readonly Turn[];
};

type Box = { readonly type: string; readonly start: number; readonly body: number; readonly end: number };

/** Boxes looked at, and largest index that is read, bytes. */
const [mostBoxes, largestIndex] = [4000, 64 * 2 ** 20];

/** Reads the outer boxes of a file of `size` bytes, and its index. */
export async function readIso(file: FileHandle, size: number): Promise<IsoFile> {
  let [at, cutShort, index, brand]: [number, boolean, boolean, string] = [0, false, false, ""];
  let turns: readonly Turn[] = [];
  const head = Buffer.alloc(16);
  for (let count = 0; at + 8 <= size && count < mostBoxes && !cutShort; count++) {
    const { bytesRead } = await file.read(head, 0, 16, at);
    const box = boxAt(head.subarray(0, bytesRead), 0, size - at);
    if (!box) break;
    if (box.type === "ftyp" && brand === "") brand = head.toString("latin1", box.body, box.body + 4);
    cutShort = box.end > size - at;
    if (box.type === "moov" && !cutShort) {
      index = true;
      if (box.end <= largestIndex) {
        const bytes = Buffer.alloc(box.end);
        await file.read(bytes, 0, box.end, at);
        turns = turnsOf(bytes, box);
      }
    }
    at += box.end;
  }
  return { kind: "iso", cutShort, index, brand, turns };
}

function boxAt(bytes: Buffer, start: number, left: number): Box | undefined {
  if (start + 8 > bytes.length) return undefined;
  const short = bytes.readUInt32BE(start);
  const type = bytes.toString("latin1", start + 4, start + 8);
  if (short === 1) {
    if (start + 16 > bytes.length) return undefined;
    const long = Number(bytes.readBigUInt64BE(start + 8));
    return long < 16 ? undefined : { type, start, body: start + 16, end: start + long };
  }
  const length = short === 0 ? left : short;
  return length < 8 ? undefined : { type, start, body: start + 8, end: start + length };
}

function boxesIn(bytes: Buffer, { body, end }: Pick<Box, "body" | "end">): Box[] {
  const found: Box[] = [];
  const stop = Math.min(end, bytes.length);
  for (let at = body; at < stop && found.length < mostBoxes; ) {
    const box = boxAt(bytes, at, stop - at);
    if (!box) break;
    found.push({ ...box, end: Math.min(box.end, stop) });
    at = box.end;
  }
  return found;
}

/** The turn of every track of pictures: its own matrix, then the film's. */
function turnsOf(bytes: Buffer, moov: Box): Turn[] {
  const boxes = boxesIn(bytes, moov);
  const named = (list: readonly Box[], type: string) => list.find((box) => box.type === type);
  const film = matrixOf(bytes, named(boxes, "mvhd"), 20);
  return boxes.flatMap((track) => {
    if (track.type !== "trak") return [];
    const inside = boxesIn(bytes, track);
    const media = named(inside, "mdia");
    const handler = media && named(boxesIn(bytes, media), "hdlr");
    if (!handler || bytes.toString("latin1", handler.body + 8, handler.body + 12) !== "vide") return [];
    const [a, b, c, d] = matrixOf(bytes, named(inside, "tkhd"), 24);
    const [e, f, g, h] = film;
    return [nearestTurn([a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h])];
  });
}

/** The two-by-two part of a header's matrix, which lies `after` its times, or at 16 bytes more in version 1 … of longer times. */
function matrixOf(bytes: Buffer, header: Box | undefined, after: number): [number, number, number, number] {
  if (!header) return [1, 0, 0, 1];
  const long = bytes[header.body] === 1;
  const at = header.body + 4 + (long ? (after === 20 ? 28 : 32) : after === 20 ? 16 : 20) + 16;
  if (at + 20 > header.end) return [1, 0, 0, 1];
  return [0, 4, 12, 16].map((offset) => bytes.readInt32BE(at + offset) / 65536) as [number, number, number, number];
}
