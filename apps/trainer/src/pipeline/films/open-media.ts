import { type ClipItem, type Frame, float32 } from "@kdc-mae/core";
import { fit, logMel, padFrames, type StoredClip } from "@kdc-mae/data";
import { isPicture, type MediaDecoder, type MediaInfo, type MediaWindow, readWindows } from "@kdc-mae/data/node";
import type { ClipForm } from "../corpus/clip-form.js";

/** Which windows of a file. */
export type WindowChoice = {
  /** Length of a window, seconds: side by side, and the last one of a film moved back so that it is whole. */
  readonly seconds: number;
  /** Pictures of a window, at the middles of as many equal parts. */
  readonly pictures: number;
  readonly only?: "sound" | "pictures";
  /** The one window that is wanted, from here, seconds; all of them unless given. */
  readonly from?: number;
};

/** A file that was looked at. */
export type OpenedMedia = {
  readonly file: string;
  /** Undefined for a still. */
  readonly info?: MediaInfo;
  /** Size of its pictures as they are shown, pixels. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Its windows one after the other, decoded as they are asked for. */
  windows(choice: WindowChoice): AsyncGenerator<MediaWindow>;
};

/**
 * Opens a film, a sound file or a still. What a file holds says its content; a still is told by its name.
 *
 * @throws KdcError with a `MediaReason`, or `bad-picture`
 */
export async function openMedia(
  file: string,
  decoder: MediaDecoder,
  form: Pick<ClipForm, "audio" | "visual">,
  signal?: AbortSignal,
): Promise<OpenedMedia> {
  const { sampleRate } = form.audio;
  const size = form.visual.size;
  if (isPicture(file)) {
    let still: Frame | undefined;
    for await (const { frames } of readWindows(decoder, file, { window: 1, sampleRate, signal })) still = frames?.[0];
    const { width, height } = still!;
    const frame = fit(still!, size);
    return {
      file,
      size: { width, height },
      async *windows({ only }) {
        if (only !== "sound") yield { index: 0, start: 0, end: 0, frames: [frame] };
      },
    };
  }
  const info = await decoder.probe(file, { signal });

  // A rest of sound that is shorter than one frame of the log-mel is none where there is something else to look at.
  const shortest = (sampleRate * form.audio.frameLengthMs) / 1000;
  const enough = (window: MediaWindow): MediaWindow => {
    const { sound, ...rest } = window;
    const little = sound !== undefined && sound.samples.length < shortest;
    return little && (window.frames !== undefined || window.start > 0) ? rest : window;
  };

  async function* windows({ seconds, pictures, only, from }: WindowChoice): AsyncGenerator<MediaWindow> {
    const part = from === undefined ? {} : { start: from, end: Math.min(info.duration ?? Infinity, from + seconds) };
    const item: ClipItem = { id: file, path: file, labels: [], ...part };
    for await (const window of decoder.windows(item, { window: seconds, pictures, only, sampleRate, size, signal })) {
      signal?.throwIfAborted();
      yield enough(window);
    }
  }
  return { file, info, windows, ...(info.video && { size: info.video }) };
}

/**
 * A window as the model takes it: its sound as a padded log-mel, and blank where there is none.
 *
 * @throws KdcError (`too-short`) for sound that is shorter than one frame of the log-mel
 */
export function storeWindow(file: string, window: MediaWindow, form: ClipForm): StoredClip {
  const { audio: sound, visual } = form;
  const { size } = visual;
  const blank = { width: size, height: size, data: new Uint8Array(size * size * 3), time: 0 };
  const frames = window.frames ?? [blank];
  return {
    item: { id: `${file} ${window.start}`, path: file, start: window.start, end: window.end, labels: [] },
    spectrogram:
      window.sound === undefined
        ? float32([sound.frames, sound.melBins])
        : padFrames(logMel(window.sound, sound), sound.frames),
    frames: frames.map(({ data }) => data),
    times: frames.map(({ time }) => time),
    original: { width: size, height: size },
  };
}
