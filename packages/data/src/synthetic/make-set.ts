import { access, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClipItem, createRng } from "@kdc-mae/core";
import { writeWhole } from "./atomic-file.js";
import { chooseEncoder, encodeClip, type VideoEncoder } from "./encode-clip.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions, describeClip, type SyntheticOptions } from "./plan.js";
import { type BoxTrack, renderFrames } from "./render-frames.js";
import { renderSound } from "./render-sound.js";
import { hashOf, type SetCounts, type SetParameters } from "./set-parameters.js";

/** What {@link makeSet} is asked for. */
export type SetRequest = {
  /** Folder of the set; made when missing. */
  readonly directory: string;
  /** Path of the ffmpeg program. */
  readonly ffmpeg: string;
  readonly counts: SetCounts;
  readonly seed: number | string;
  readonly options?: Partial<SyntheticOptions>;
  /** Clips under way at once (default 2): one is drawn while others are encoded. */
  readonly workers?: number;
  /** Called after every clip. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Stops the work; what is finished stays and is reused by the next run. */
  readonly signal?: AbortSignal;
};

/** The clips of a set, and how many were made now or found finished. */
export type MadeSet = { readonly items: readonly ClipItem[]; readonly made: number; readonly reused: number };

/** What is written beside every clip. */
type Sidecar = {
  readonly set: string;
  readonly label: string;
  readonly split: string;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly seconds: number;
  readonly pitchHz: number;
  readonly loudnessDb: number;
  readonly strokes: readonly { readonly start: number; readonly length: number }[];
  readonly boxes: BoxTrack;
  readonly distractor?: { readonly kind: string; readonly boxes: BoxTrack };
};

/** One clip to make: its name, split and kind. Kinds take turns, so that every split is balanced. */
type Errand = { readonly id: string; readonly split: string; readonly kind: string };

const errandsOf = (counts: SetCounts): Errand[] =>
  Object.entries(counts).flatMap(([split, count]) =>
    Array.from({ length: count }, (_, index) => ({
      id: `${split}-${String(index).padStart(5, "0")}`,
      split,
      kind: kinds[index % kinds.length],
    })),
  );

/** The finished sidecar of a clip, or undefined when the clip or its sidecar is missing or of another set. */
async function findFinished(media: string, sidecar: string, set: string): Promise<Sidecar | undefined> {
  try {
    await access(media);
    const found: Sidecar = JSON.parse(await readFile(sidecar, "utf8"));
    return found.set === set ? found : undefined;
  } catch {
    return undefined;
  }
}

type Workshop = SetRequest & {
  readonly set: string;
  readonly parameters: SetParameters;
  readonly encoder: VideoEncoder;
};

/** Draws, encodes and describes one clip; the sidecar is written last and marks the clip as finished. */
async function makeClip({ id, split, kind }: Errand, media: string, sidecar: string, shop: Workshop): Promise<Sidecar> {
  const { options, seed } = shop.parameters;
  const plan = describeClip(createRng(`${seed}/${split}`).fork(id), options, kind);
  const { frames, boxes, distractorBoxes } = renderFrames(plan);
  const { ffmpeg, encoder, signal, set } = shop;
  const { frameRate, seconds, size } = options;
  await encodeClip({ path: media, frames, frameRate, waveform: renderSound(plan), ffmpeg, encoder, signal });
  const described: Sidecar = {
    set,
    label: kind,
    split,
    width: size,
    height: size,
    frameRate,
    seconds,
    pitchHz: plan.pitch,
    loudnessDb: plan.loudness,
    strokes: plan.strokes.map(({ start, length }) => ({ start, length })),
    boxes,
    distractor: plan.distractor && { kind: plan.distractor.kind, boxes: distractorBoxes },
  };
  await writeWhole(sidecar, `${JSON.stringify(described)}\n`);
  return described;
}

/**
 * Makes a labelled set of short clips as mp4 files: `<split>/<id>.mp4`, a JSON file beside each, `manifest.jsonl` with
 * one {@link ClipItem} per line (paths relative to the folder), and `set.json` with the parameters. Pixels and samples
 * depend on seed and options alone, and every split has a stream of its own. A clip is made only when it is missing or
 * of other parameters, so a run that was stopped goes on where it was.
 *
 * @returns the items, with paths that begin with `directory`
 * @throws KdcError with reason `ffmpeg` when ffmpeg is missing, unfit or fails; the signal's reason when stopped
 */
export async function makeSet(request: SetRequest): Promise<MadeSet> {
  const { directory, ffmpeg, counts, seed, workers = 2, onProgress, signal } = request;
  const parameters = { seed, options: { ...defaultOptions, ...request.options } };
  const set = hashOf(parameters);
  const errands = errandsOf(counts);
  const items: ClipItem[] = new Array(errands.length);
  let encoder: Promise<VideoEncoder> | undefined;
  let [next, made, reused, failed] = [0, 0, 0, false];

  const work = async (): Promise<void> => {
    for (let turn = next++; turn < errands.length && !failed; turn = next++) {
      signal?.throwIfAborted();
      const errand = errands[turn];
      const path = `${errand.split}/${errand.id}.mp4`;
      const media = join(directory, path);
      const sidecar = join(directory, `${errand.split}/${errand.id}.json`);
      const finished = await findFinished(media, sidecar, set);
      if (finished === undefined) {
        encoder ??= chooseEncoder(ffmpeg, signal);
        made++;
      } else reused++;
      const { label, split, boxes } =
        finished ?? (await makeClip(errand, media, sidecar, { ...request, set, parameters, encoder: await encoder! }));
      items[turn] = { id: errand.id, path, labels: [label], split, boxes };
      onProgress?.({ done: made + reused, total: errands.length });
    }
  };

  await Promise.all(Object.keys(counts).map((split) => mkdir(join(directory, split), { recursive: true })));
  await writeWhole(join(directory, "set.json"), `${JSON.stringify({ set, counts, kinds, ...parameters }, null, 2)}\n`);
  const stop = (error: unknown) => {
    failed = true;
    throw error;
  };
  const ends = await Promise.allSettled(Array.from({ length: workers }, () => work().catch(stop)));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  await writeWhole(join(directory, "manifest.jsonl"), items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  return { items: items.map((item) => ({ ...item, path: join(directory, item.path) })), made, reused };
}
