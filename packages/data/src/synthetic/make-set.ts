import { join } from "node:path";
import { type ClipItem, createRng } from "@kdc-mae/core";
import { makeFolder, readJson, sweepTemporaries, writeNew, writeWhole } from "@kdc-mae/core/node";
import { encodeClips, type RawClip } from "../encode/encode-clips.js";
import { chooseEncoder, type VideoEncoder } from "../encode/video-encoder.js";
import { actsOf, describeClip } from "./describe-clip.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions, type SyntheticOptions } from "./plan.js";
import { renderFrames } from "./render-frames.js";
import { renderSound } from "./render-sound.js";
import { hashOf, type SetCounts, type SetParameters } from "./set-parameters.js";
import { findFinished, type Sidecar } from "./sidecar.js";

/** What {@link makeSet} is asked for. */
export type SetRequest = {
  /** Folder of the set; made when missing. Where it holds a set of another seed or options, a folder beside it is taken. */
  readonly directory: string;
  /** Path of the ffmpeg program. */
  readonly ffmpeg: string;
  readonly counts: SetCounts;
  readonly seed: number | string;
  readonly options?: Partial<SyntheticOptions>;
  /** Batches of clips under way at once (default 2): one is drawn while another is encoded. */
  readonly workers?: number;
  /** Called after every batch of clips. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Stops the work; what is finished stays and is reused by the next run. */
  readonly signal?: AbortSignal;
};

/** The clips of a set, and how many were made now or found finished. */
export type MadeSet = {
  readonly items: readonly ClipItem[];
  readonly made: number;
  readonly reused: number;
  /** Where it is: the folder asked for, or one beside it. */
  readonly directory: string;
};

/** Clips encoded by one run of ffmpeg. */
const batchSize = 8;

/** One clip of the set: where it goes (relative to the folder), its split and kind. Kinds take turns: splits are balanced. */
type Task = { readonly id: string; readonly split: string; readonly kind: string; readonly path: string };

function tasksOf(counts: SetCounts): Task[] {
  return Object.entries(counts).flatMap(([split, count]) =>
    Array.from({ length: count }, (_, index) => {
      const id = `${split}-${String(index).padStart(5, "0")}`;
      return { id, split, kind: kinds[index % kinds.length], path: `${split}/${id}.mp4` };
    }),
  );
}

const batched = <Item>(list: readonly Item[]): Item[][] =>
  Array.from({ length: Math.ceil(list.length / batchSize) }, (_, i) => list.slice(batchSize * i, batchSize * (i + 1)));

/** Draws one clip: what is to be encoded, and what is to be said about it. */
function drawClip({ id, split, kind, path }: Task, { seed, options }: SetParameters, set: string): [RawClip, Sidecar] {
  const plan = describeClip(createRng(`${seed}/${split}`).fork(id), options, kind);
  const { pixels, boxes, distractorBoxes } = renderFrames(plan);
  const { size, frameRate, seconds } = options;
  const { pitch, loudness, strokes, distractor } = plan;
  const shared = { label: kind, split, width: size, height: size, frameRate, seconds };
  return [
    { path, pixels, size, frameRate, waveform: renderSound(plan) },
    {
      set,
      ...shared,
      ...{ pitchHz: pitch, loudnessDb: loudness, strokes, boxes },
      distractor: distractor && { kind: distractor.kind, boxes: distractorBoxes },
      acts: plan.acts && actsOf(plan).map(({ from, to, plan }) => ({ kind: plan.sounding.kind, from, to })),
    },
  ];
}

/**
 * The folder of a set: the one asked for, or one beside it, named after its parameters, where that holds another set. Of
 * several that begin at once on a new folder the first has it.
 */
async function folderOf(asked: string, set: string, about: string): Promise<string> {
  await makeFolder(asked);
  const path = join(asked, "set.json");
  const known = async () => {
    const there = (await readJson(path, "Remove it").catch(() => undefined)) as { readonly set?: string } | undefined;
    return there?.set ?? set;
  };
  // A description that cannot be read is nobody's: ours are written whole.
  return (await writeNew(path, about)) || (await known()) === set ? asked : `${asked.replace(/[\\/]+$/, "")}-${set}`;
}

/** Runs one piece of work over all entries of a list, `workers` at once; the first failure stops the others at their next turn. */
async function spread<Item>(list: readonly Item[], workers: number, run: (item: Item) => Promise<void>): Promise<void> {
  const queue = list.values();
  let failed = false;
  const fail = (error: unknown) => {
    failed = true;
    throw error;
  };
  const work = async () => {
    // All workers draw from the one iterator.
    for (const item of queue) {
      if (failed) return;
      await run(item).catch(fail);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: workers }, work));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}

/**
 * Makes a labelled set of short clips as mp4 files: `<split>/<id>.mp4`, a JSON file beside each, `manifest.jsonl` with
 * one `ClipItem` per line (paths relative to the folder), and `set.json` with the parameters. Pixels and samples
 * depend on seed and options alone, and every split has a stream of its own. A clip is made only when it is missing, so a
 * run that was stopped goes on where it was. A folder holds clips of one seed and of one set of options: others go into a
 * folder beside it, `<directory>-<name of the parameters>`.
 *
 * @returns the items, with paths that begin with their folder
 * @throws KdcError with reason `ffmpeg` when ffmpeg is missing, unfit or fails; the signal's reason when stopped
 *
 * @example
 * ```ts
 * import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
 *
 * const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
 * const counts = { train: 16, validation: 0, test: 8 };
 * const { items } = await makeSet({ directory: "clips", ffmpeg, counts, seed: 1 }); // 24 mp4 files
 * ```
 */
export async function makeSet(request: SetRequest): Promise<MadeSet> {
  const { ffmpeg, counts, seed, workers = 2, onProgress, signal } = request;
  const parameters = { seed, options: { ...defaultOptions, ...request.options } };
  const set = hashOf(parameters);
  const about = `${JSON.stringify({ set, counts, kinds, ...parameters }, null, 2)}\n`;
  const directory = await folderOf(request.directory, set, about);
  const tasks = tasksOf(counts);
  const described = new Map<string, Sidecar>();
  const missing: Task[] = [];
  let encoder: Promise<VideoEncoder> | undefined;

  const mediaOf = ({ path }: Task) => join(directory, path);
  const sidecarOf = (task: Task) => mediaOf(task).replace(/mp4$/, "json");
  const tell = () => onProgress?.({ done: described.size, total: tasks.length });

  const find = async (batch: readonly Task[]) => {
    signal?.throwIfAborted();
    const found = await Promise.all(batch.map((task) => findFinished(mediaOf(task), sidecarOf(task), set)));
    for (const [index, task] of batch.entries()) {
      const sidecar = found[index];
      if (sidecar === undefined) missing.push(task);
      else described.set(task.id, sidecar);
    }
  };

  const make = async (batch: readonly Task[]) => {
    signal?.throwIfAborted();
    encoder ??= chooseEncoder(ffmpeg, signal);
    const tools = { ffmpeg, encoder: await encoder, signal };
    const drawn = batch.map((task) => drawClip({ ...task, path: mediaOf(task) }, parameters, set));
    await encodeClips(
      drawn.map(([clip]) => clip),
      tools,
    );
    for (const [index, task] of batch.entries()) {
      const sidecar = drawn[index][1];
      await writeWhole(sidecarOf(task), `${JSON.stringify(sidecar)}\n`);
      described.set(task.id, sidecar);
    }
    tell();
  };

  for (const folder of [directory, ...Object.keys(counts).map((split) => join(directory, split))]) {
    await makeFolder(folder);
    await sweepTemporaries(folder);
  }
  await writeWhole(join(directory, "set.json"), about);
  await spread(batched(tasks), workers, find);
  const reused = described.size;
  tell();
  await spread(batched(missing), workers, make);
  const items = tasks.map((task): ClipItem => {
    const { label, split, boxes, seconds, distractor } = described.get(task.id)!;
    const columns = { distractor: distractor === undefined ? "no" : "yes" };
    // With its end known, decoding need not ask each file for its duration first.
    return { id: task.id, path: task.path, start: 0, end: seconds, labels: [label], split, boxes, columns };
  });
  await writeWhole(join(directory, "manifest.jsonl"), items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  const placed = items.map((item) => ({ ...item, path: join(directory, item.path) }));
  return { items: placed, made: missing.length, reused, directory };
}
