import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, isKdcError, KdcError } from "@kdc-mae/core";
import { logMel, prepareClip, publishedAudio } from "@kdc-mae/data";
import {
  createBatchDecoder,
  decodeAll,
  type Manifest,
  type ManifestItem,
  openShards,
  prepare,
} from "@kdc-mae/data/node";
import { presets } from "@kdc-mae/model";
import { median } from "../median.js";
import { processorSeconds } from "./processor-time.js";
import { type Reference, startReference } from "./reference.js";

/** One way of getting clips, timed. */
export type DataRow = {
  readonly way: "prepare" | "load" | "decode-every-epoch" | "reference" | "reference-extracted";
  readonly clips: number;
  /** Median of the rounds. */
  readonly seconds: number;
  readonly clipsPerSecond: number;
  /** Processor time as a share of all cores, where the system says it. */
  readonly busy?: number;
};

export type DataReport = {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly rows: readonly DataRow[];
  /** Milliseconds for the log-mel of 10 s on one thread, medians of alternating rounds. */
  readonly logMel: { readonly ours: number; readonly torchaudio?: number; readonly version?: string };
  /** What could not run, and why. */
  readonly missing: Readonly<Record<string, string>>;
};

export type DataBenchOptions = {
  readonly manifest: Manifest;
  /** What it was called, for errors. */
  readonly name: string;
  readonly ffmpeg: string;
  readonly python: string;
  /** Clips the slow ways are timed on, the first ones of the manifest. */
  readonly slowClips: number;
  readonly rounds: number;
  readonly workers: number;
  readonly signal?: AbortSignal;
  readonly onRow?: (row: DataRow) => void;
};

const timed = async (work: () => Promise<unknown> | unknown): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const nothingIn = (where: string, cause?: unknown) =>
  new KdcError({
    where,
    what: "there are no clips in it that could be used, so nothing can be timed",
    remedy: "Give a folder or list of films; kdc-mae survey says why others are not used",
    reason: "too-few-clips",
    cause,
  });

/**
 * Times preparing, loading and the other ways of getting at clips, by turns, on the same files.
 *
 * @throws KdcError (`too-few-clips`) where no clip could be used
 */
export async function benchData(options: DataBenchOptions): Promise<DataReport> {
  const { manifest, ffmpeg, python, slowClips, rounds, workers, signal, onRow } = options;
  const { audio, visual } = presets.base;
  const frontEnd = { audio: publishedAudio, visual: { size: visual.rows * visual.patch }, grids: { audio, visual } };
  const rows: DataRow[] = [];
  const add = (row: DataRow) => {
    rows.push(row);
    onRow?.(row);
  };
  const rate = (way: DataRow["way"], clips: number, seconds: number, busy?: number): DataRow => ({
    ...{ way, clips, seconds, clipsPerSecond: clips / seconds },
    ...(busy === undefined ? {} : { busy }),
  });

  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-bench-data-"));
  const missing: Record<string, string> = {};
  let reference: Reference | undefined;
  try {
    const decoder = createBatchDecoder(ffmpeg, { processes: workers + 1 });
    const before = await processorSeconds();
    let samples = 0;
    const preparing = await timed(async () => {
      // One more than cores, as the command has it: this process computes between their ends and their starts.
      samples = (await prepare({ manifest, out: folder, decoder, workers: workers + 1, signal })).samples;
    }).catch((error) => {
      throw isKdcError(error) && error.reason === "no-clips" ? nothingIn(options.name, error) : error;
    });
    const after = await processorSeconds();
    const share =
      before === undefined || after === undefined ? undefined : (after - before) / preparing / availableParallelism();
    add(rate("prepare", samples, preparing, share));

    const items: ManifestItem[] = [];
    for await (const item of manifest.items()) {
      if (items.length === slowClips) break;
      items.push(item);
    }
    const files = items.map(({ path }) => path);
    reference = await startReference(python, ffmpeg, workers).catch((error) => {
      if (!isKdcError(error)) throw error;
      missing.reference = error.message;
      return undefined;
    });
    await reference?.time({ task: "extract", files });

    const request = { sampleRate: publishedAudio.sampleRate, frames: { times: [5] }, size: frontEnd.visual.size };
    const ways: Partial<Record<DataRow["way"], { clips: number; run: (round: number) => Promise<number> }>> = {
      load: { clips: samples, run: (round) => timed(() => loadEpoch(folder, frontEnd, workers, round)) },
      "decode-every-epoch": {
        clips: files.length,
        run: () =>
          timed(() =>
            decodeAll(items, {
              ...{ decoder, request: { ...request, seconds: 10 }, concurrency: workers, signal },
              keep: (clip) => prepareClip(clip, frontEnd).audio.data[0],
            }),
          ),
      },
      ...(reference === undefined
        ? {}
        : {
            reference: { clips: files.length, run: () => reference!.time({ task: "load", files }) },
            "reference-extracted": {
              clips: files.length,
              run: () => reference!.time({ task: "extracted", files }),
            },
          }),
    };
    const seconds = new Map<string, number[]>();
    const mel: { ours: number[]; torchaudio: number[] } = { ours: [], torchaudio: [] };
    for (let round = 0; round < rounds; round++) {
      signal?.throwIfAborted();
      for (const [way, { run }] of Object.entries(ways)) {
        seconds.set(way, [...(seconds.get(way) ?? []), await run(round)]);
      }
      mel.ours.push(logMelSeconds());
      if (reference) mel.torchaudio.push(await reference.time({ task: "fbank", times: 20 }));
    }
    for (const [way, { clips }] of Object.entries(ways)) {
      add(rate(way as DataRow["way"], clips, median(seconds.get(way)!)));
    }
    return {
      machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism(), node: process.versions.node },
      rows,
      logMel: {
        ours: 1000 * median(mel.ours),
        ...(reference ? { torchaudio: 1000 * median(mel.torchaudio), version: reference.torchaudio } : {}),
      },
      missing,
    };
  } finally {
    reference?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One epoch of ready batches from shards, opening the set included. */
async function loadEpoch(
  folder: string,
  frontEnd: Parameters<typeof openShards>[1]["frontEnd"],
  workers: number,
  epoch: number,
): Promise<void> {
  const loader = await openShards(folder, { batch: 4, dropLast: false, frontEnd, seed: 0, workers });
  for await (const _ of loader.batches(epoch));
  await loader.close();
}

/** Median of 20, after ten that are not counted: JavaScript is compiled while it runs. */
function logMelSeconds(): number {
  const rng = createRng("bench-data");
  const waveform = { sampleRate: 16000, samples: Float32Array.from({ length: 160_000 }, () => 2 * rng.uniform() - 1) };
  const times = Array.from({ length: 30 }, () => {
    const start = performance.now();
    logMel(waveform, publishedAudio);
    return (performance.now() - start) / 1000;
  });
  return median(times.slice(10));
}
