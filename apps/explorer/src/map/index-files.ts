import { KdcError, parseJson } from "@kdc-mae/core";
import { parseSafetensors } from "@kdc-mae/model";

export type StreamName = "audio" | "visual" | "joint";

/** A window of a film: its path below the indexed folder, and from when to when, seconds. */
export type PageWindow = { readonly name: string; readonly start: number; readonly end: number };

/** An index in memory: by each stream the windows that have it, and their vectors `[N, D]`. */
export type PageIndex = {
  readonly model: { readonly name: string; readonly sha256: string };
  readonly width: number;
  readonly windows: number;
  readonly streams: Readonly<
    Record<StreamName, { readonly windows: readonly PageWindow[]; readonly vectors: Float32Array }>
  >;
};

/** The bit of each stream in a row's number of streams, as the index has them. */
const bits = { audio: 1, visual: 2, joint: 4 } as const;

const refuse = (what: string): KdcError =>
  new KdcError({
    where: "the index",
    what,
    remedy: "Choose the folder that kdc-mae index wrote, whole",
    reason: "bad-index",
  });

type Segment = { readonly file: string; readonly rows: number; readonly dead: readonly number[] };
type Written = {
  readonly format?: unknown;
  readonly sum?: unknown;
  readonly about?: { readonly width?: number; readonly model?: PageIndex["model"] };
  readonly segments?: readonly Segment[];
};

const hexOf = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Clips of a page's index; more are for the command line. */
const most = 200_000;

/**
 * Reads what `kdc-mae index` wrote.
 *
 * @param fileOf one of its files by name
 * @throws KdcError (`bad-index`) for what is none, is damaged, or is too large for a page
 */
export async function readIndex(fileOf: (name: string) => Promise<Blob | undefined>): Promise<PageIndex> {
  const file = await fileOf("index.json");
  if (file === undefined) throw refuse("there is no index.json in this folder");
  const value = parseJson(await file.text(), {
    where: "index.json",
    remedy: "Choose the folder that kdc-mae index wrote",
  });
  const { sum, ...index } = (typeof value === "object" && value !== null ? value : {}) as Written;
  const { about, segments } = index;
  const width = about?.width ?? 0;
  const isIndex = index.format === 3 && about?.model !== undefined && Array.isArray(segments) && width > 0;
  if (!isIndex) throw refuse("its index.json was not written by kdc-mae index");
  const own = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(index)));
  if (hexOf(own) !== sum) throw refuse("its index.json is damaged: its checksum does not match its content");
  const rows = segments.reduce((count, segment) => count + segment.rows, 0);
  if (rows > most) throw refuse(`it has ${rows} clips, more than a page holds (${most})`);
  const kept = {
    audio: { windows: [] as PageWindow[], vectors: [] as number[] },
    visual: { windows: [] as PageWindow[], vectors: [] as number[] },
    joint: { windows: [] as PageWindow[], vectors: [] as number[] },
  };
  let windows = 0;
  for (const segment of segments) {
    const part = await fileOf(segment.file);
    if (part === undefined) throw refuse(`${segment.file} is missing`);
    const { tensors } = parseSafetensors(new Uint8Array(await part.arrayBuffer()));
    let at = 0;
    const dead = new Set(segment.dead.map((step: number) => (at += step)));
    const text = Uint8Array.from(tensors.names.data);
    for (let row = 0; row < segment.rows; row++) {
      if (dead.has(row)) continue;
      const [from, to] = [row === 0 ? 0 : tensors.ends.data[row - 1], tensors.ends.data[row]];
      const name = new TextDecoder().decode(text.subarray(from, to));
      const window = { name, start: tensors.start.data[row], end: tensors.end.data[row] };
      windows++;
      for (const stream of ["audio", "visual", "joint"] as const) {
        if ((tensors.streams.data[row] & bits[stream]) === 0) continue;
        kept[stream].windows.push(window);
        for (const value of tensors[stream].data.subarray(row * width, (row + 1) * width))
          kept[stream].vectors.push(value);
      }
    }
  }
  if (windows === 0) throw refuse("it is empty");
  const flat = (stream: StreamName) => ({
    windows: kept[stream].windows,
    vectors: Float32Array.from(kept[stream].vectors),
  });
  const model = about.model as PageIndex["model"];
  return { model, width, windows, streams: { audio: flat("audio"), visual: flat("visual"), joint: flat("joint") } };
}
