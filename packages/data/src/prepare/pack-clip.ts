import type { Clip } from "@kdc-mae/core";
import { float32 } from "@kdc-mae/core";
import { type LogMelOptions, logMel } from "../audio/log-mel.js";
import { encodeWav } from "../media/encode-wav.js";
import { floatToHalf } from "../shards/sample.js";
import type { SampleNotes } from "../shards/sample-notes.js";
import { packTar } from "../shards/tar.js";
import { encodePicture, pictureExtension } from "../visual/encode-picture.js";
import { type LogMelSums, sumsOf } from "./log-mel-sums.js";
import type { PreparedContent } from "./options.js";

/** T of a published spectrogram: what lies beyond is not used, and not counted. */
export const spectrogramFrames = 1024;
export const melBins = 128;

const frontEnds = new Map<number, LogMelOptions>();
/** The published front end at a rate; one object per rate, so that its tables are made once. */
const frontEndAt = (sampleRate: number): LogMelOptions => {
  const known = frontEnds.get(sampleRate) ?? { sampleRate, melBins, frameLengthMs: 25, frameShiftMs: 10 };
  frontEnds.set(sampleRate, known);
  return known;
};

/** A clip as its piece of a shard, and its part in the statistics. */
export type PackedClip = { readonly tar: Uint8Array; readonly sums: LogMelSums };

/**
 * Packs a decoded clip as WebDataset files `key.wav`, `key.0.jpg` …, `key.logmel` where asked, and `key.json`.
 *
 * @param path of the media file below the media root
 * @throws KdcError reason `too-short` when the sound does not fill one analysis frame
 */
export async function packClip(clip: Clip, key: string, path: string, content: PreparedContent): Promise<PackedClip> {
  const { item, waveform, frames, original } = clip;
  const whole = logMel(waveform, frontEndAt(content.sampleRate));
  const kept = Math.min(whole.shape[0], spectrogramFrames);
  const spectrogram = float32([kept, melBins], whole.data.subarray(0, kept * melBins));
  const pictures = await Promise.all(frames.map((frame) => encodePicture(frame, content.pictures)));
  const notes: SampleNotes & Record<string, unknown> = {
    id: item.id,
    labels: item.labels,
    ...(item.split === undefined ? {} : { split: item.split }),
    source: {
      path,
      ...(item.start === undefined ? {} : { start: item.start }),
      ...(item.end === undefined ? {} : { end: item.end }),
    },
    sampleRate: waveform.sampleRate,
    samples: waveform.samples.length,
    times: frames.map(({ time }) => Math.round(time * 1000) / 1000),
    ...(original === undefined ? {} : { original }),
    ...(item.boxes === undefined ? {} : { boxes: item.boxes }),
    ...(item.columns === undefined ? {} : { columns: item.columns }),
    ...(clip.original === undefined ? {} : { original: clip.original }),
    ...(content.logMel === "none" ? {} : { logMel: { shape: spectrogram.shape, dtype: content.logMel } }),
  };
  const extension = pictureExtension(content.pictures);
  const tar = packTar([
    { name: `${key}.wav`, data: encodeWav(waveform) },
    ...pictures.map((data, index) => ({ name: `${key}.${index}.${extension}`, data })),
    ...(content.logMel === "none" ? [] : [{ name: `${key}.logmel`, data: numbers(spectrogram.data, content.logMel) }]),
    { name: `${key}.json`, data: new TextEncoder().encode(`${JSON.stringify(notes)}\n`) },
  ]);
  return { tar, sums: sumsOf(spectrogram) };
}

function numbers(values: Float32Array, dtype: "float16" | "float32"): Uint8Array {
  const width = dtype === "float16" ? 2 : 4;
  const bytes = new Uint8Array(width * values.length);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values.entries()) {
    if (dtype === "float16") view.setUint16(2 * at, floatToHalf(value), true);
    else view.setFloat32(4 * at, value, true);
  }
  return bytes;
}
