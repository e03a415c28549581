/** What was counted of one track without decoding it. */
export type Counted = {
  readonly kind: "video" | "audio";
  readonly codec: string;
  /** Pixels, and how wide one pixel is for its height; of pictures. */
  readonly width?: number;
  readonly height?: number;
  readonly aspect?: number;
  /** Hz, of sound. */
  readonly sampleRate?: number;
  readonly packets: number;
  /** When the first packet is shown or heard, when the last one is, and when that ends; seconds on the file's clock. */
  readonly first: number;
  readonly last: number;
  readonly end: number;
  /** How long all packets are together, seconds. */
  readonly sum: number;
};

const pieceBytes = 2 ** 20;

/** Lines of a text in bytes, a piece at a time: as strings all of them together would take many times as much. */
function* linesIn(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    const piece = bytes.subarray(from, from + pieceBytes);
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  yield rest;
}

/** Reads what ffmpeg's `framecrc` writes of copied tracks. */
export function readPackets(text: Uint8Array): Counted[] {
  const about = new Map<string, Record<string, string>>();
  const spans = new Map<string, { packets: number; first: number; last: number; end: number; sum: number }>();
  for (const line of linesIn(text)) {
    const head = /^#(\w+) (\d+): +(.*)$/.exec(line);
    if (head) {
      const [, name, track, value] = head;
      about.set(track, { ...about.get(track), [name]: value });
      continue;
    }
    const [track, dts, pts, duration] = line.split(",").map((part) => part.trim());
    const known = about.get(track);
    if (!known || duration === undefined) continue;
    const [over, under] = (known.tb ?? "1/1").split("/").map(Number);
    const time = pts === "NOPTS" ? Number(dts) : Number(pts);
    if (!Number.isFinite(time)) continue;
    const from = (time * over) / under;
    const span = spans.get(track) ?? { packets: 0, first: from, last: from, end: from, sum: 0 };
    span.packets++;
    span.sum += (Number(duration) * over) / under;
    span.first = Math.min(span.first, from);
    span.last = Math.max(span.last, from);
    span.end = Math.max(span.end, from + (Number(duration) * over) / under);
    spans.set(track, span);
  }
  return [...about].flatMap(([track, known]): Counted[] => {
    if (known.media_type !== "video" && known.media_type !== "audio") return [];
    const [width, height] = (known.dimensions ?? "").split("x").map(Number);
    const [across, up] = (known.sar ?? "").split("/").map(Number);
    return [
      {
        kind: known.media_type,
        codec: known.codec_id ?? "",
        ...(width > 0 && height > 0 ? { width, height, aspect: across > 0 && up > 0 ? across / up : 1 } : {}),
        ...(known.sample_rate === undefined ? {} : { sampleRate: Number(known.sample_rate) }),
        ...(spans.get(track) ?? { packets: 0, first: 0, last: 0, end: 0, sum: 0 }),
      },
    ];
  });
}
