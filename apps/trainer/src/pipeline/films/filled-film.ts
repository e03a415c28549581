import { createReadStream } from "node:fs";
import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "@kdc-mae/core/node";
import { encodeWav, putSoundUnder, writeFilm } from "@kdc-mae/data/node";
import type { Picture } from "@kdc-mae/eval/report";
import type { Filled } from "./fill-window.js";

/** A window and what was made of it, in the order of the film; the last one may begin before the one before it ends. */
type FilledPart = { readonly start: number; readonly end: number; readonly made: Filled };

type Films = {
  readonly ffmpeg: string;
  readonly signal?: AbortSignal;
  /** The mp4 and the wav to write, as far as they are wanted. */
  readonly film?: string;
  readonly sound?: string;
  /** Pictures a second. */
  readonly rate: number;
  /** Hz, of the sound. */
  readonly sampleRate: number;
};

/** 16-bit samples, little-endian, without a header. */
const samplesOf = (samples: Float32Array, sampleRate: number): Uint8Array =>
  encodeWav({ samples, sampleRate }).subarray(44);

/** A WAV file of samples in a file, of any length. */
async function* wavOf(samples: string, sampleRate: number): AsyncGenerator<Uint8Array> {
  const { size } = await stat(samples);
  const head = encodeWav({ samples: new Float32Array(0), sampleRate });
  const view = new DataView(head.buffer);
  view.setUint32(4, 36 + size, true);
  view.setUint32(40, size, true);
  yield head;
  yield* createReadStream(samples);
}

/**
 * Takes windows as they are filled and writes, where they are wanted, a film of their panels with the filled sound under
 * it, and the sound alone. Neither is held: both pass through files.
 *
 * @throws KdcError reason `ffmpeg`, or from the disk; whatever filling throws
 */
export async function filmOfFilled(parts: AsyncIterable<FilledPart>, films: Films): Promise<void> {
  const { ffmpeg, signal, film, sound, rate, sampleRate } = films;
  if (film === undefined && sound === undefined) {
    for await (const _ of parts);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-filled-"));
  const [mute, samples] = [join(folder, "mute.mp4"), join(folder, "samples")];

  /** The panels of all windows; their sound goes to its file on the way. */
  async function* panels(): AsyncGenerator<Picture> {
    let until = Number.NEGATIVE_INFINITY;
    for await (const { start, end, made } of parts) {
      const again = Math.max(0, until - start);
      const heard = made.sound().samples;
      await appendFile(samples, samplesOf(heard.subarray(Math.round(again * sampleRate)), sampleRate));
      if (film !== undefined) {
        for (const [frame, time] of made.times.entries()) if (time >= again) yield made.panel(frame);
      }
      until = end;
    }
  }

  try {
    await appendFile(samples, new Uint8Array(0));
    const drawn = panels();
    const first = await drawn.next();
    if (film !== undefined && !first.done) {
      const { width, height } = first.value;
      const rest = async function* () {
        yield first.value.data;
        for await (const { data } of drawn) yield data;
      };
      await writeFilm({ ffmpeg, signal, pictures: { width, height, rate, pieces: rest() }, path: mute });
      await putSoundUnder({ ffmpeg, signal, film: mute, sound: samples, sampleRate, path: film });
    }
    if (sound !== undefined && (await stat(samples)).size > 0) await writeWhole(sound, wavOf(samples, sampleRate));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
