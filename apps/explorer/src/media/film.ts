import { type Frame, KdcError, type Waveform } from "@kdc-mae/core";
import {
  ALL_FORMATS,
  BlobSource,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  UnsupportedInputFormatError,
  VideoSampleSink,
} from "mediabunny";
import { asFfmpegResamples, sixteenBits } from "./as-ffmpeg-resamples.js";
import { refuse } from "./refuse.js";
import { pictureOf } from "./rgb.js";
import { leadOf, readSound } from "./sound.js";

/** What a file says of itself. */
export type FilmFacts = {
  readonly name: string;
  readonly container: string;
  readonly pictures: { readonly codec: string; readonly width: number; readonly height: number };
  readonly sound: { readonly codec: string; readonly sampleRate: number; readonly channels: number };
  readonly seconds: number;
};

/** A film that is open: its sound, and pictures of any moments. */
export type Film = {
  readonly facts: FilmFacts;
  /** The mean of its channels at `sampleRate` Hz, 16 bit, at most so many seconds from the start. */
  readonly sound: (sampleRate: number, seconds: number) => Promise<Waveform>;
  /** What a player shows at these moments, seconds from the start, in rising order. */
  readonly pictures: (times: readonly number[]) => AsyncIterable<Frame>;
  readonly close: () => void;
};

/** Sound begins at most so long before the first picture for an encoder's sake, and ends so long after the last, seconds. */
const [priming, near] = [0.1, 0.15];

/** More than 8K video has. */
const mostPixels = 36_000_000;

/** A decoder's failure as one about its file. */
const decoding = async <T>(name: string, what: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof KdcError) throw cause;
    throw refuse(
      name,
      `its ${what} could not be decoded`,
      "The file may be damaged; fetch it again, or re-encode it",
      cause,
    );
  }
};

/** @throws KdcError for a track that is not there, or that this browser does not decode */
async function expectTrack<Track extends InputVideoTrack | InputAudioTrack>(
  name: string,
  what: "pictures" | "sound",
  track: Track | null,
): Promise<Track> {
  if (track === null) throw refuse(name, `it has no ${what}`, "Take a clip with sound and pictures");
  if (await track.canDecode()) return track;
  const codec = (await track.getCodecParameterString()) ?? "of an unknown codec";
  const other = what === "pictures" ? "H.264, VP9 or AV1" : "AAC or Opus";
  throw refuse(
    name,
    `this browser does not decode its ${what} (${codec})`,
    `Encode it as ${other}, or use another browser`,
  );
}

/**
 * Opens a film by its bytes: what it holds decides, not its name. Nothing is read that is not needed.
 *
 * @throws KdcError in words for what is no film, lacks a track, or cannot be decoded here
 */
export async function openFilm(file: Blob, name: string): Promise<Film> {
  if (typeof VideoDecoder === "undefined" || typeof AudioDecoder === "undefined") {
    throw refuse(
      "this browser",
      "it has no WebCodecs",
      "Use a current Chromium, Firefox or Safari, on https or 127.0.0.1",
    );
  }
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  try {
    const format = await input.getFormat();
    const [pictures, sounds] = [await input.getPrimaryVideoTrack(), await input.getPrimaryAudioTrack()];
    if (pictures === null && sounds === null) {
      throw refuse(
        name,
        "it is cut short, or not a film: it lists neither pictures nor sound",
        "Fetch or copy it again",
      );
    }
    const video = await expectTrack(name, "pictures", pictures);
    const audio = await expectTrack(name, "sound", sounds);
    const [first, pictureEnd, soundEnd] = [
      await video.getFirstTimestamp(),
      await video.computeDuration(),
      await audio.computeDuration(),
    ];
    // The clock begins at the first picture where that comes just after the sound, which an encoder needs to get going.
    const zero = first > 0 && first <= priming ? first : 0;
    const [width, height] = [await video.getDisplayWidth(), await video.getDisplayHeight()];
    if (!(width * height > 0 && width * height <= mostPixels)) {
      throw refuse(name, `its pictures have ${width} × ${height} pixels`, "Scale it down first");
    }
    const reach = Math.max(pictureEnd, soundEnd);
    const end = reach - pictureEnd < near && pictureEnd > 0 ? pictureEnd : reach;
    const seconds = Math.round((end - zero) * 1000) / 1000;
    if (!(seconds > 0)) throw refuse(name, "it has no duration", "Take another clip");
    const facts: FilmFacts = {
      name,
      container: format.name,
      pictures: { codec: (await video.getCodec()) ?? "unknown", width, height },
      sound: {
        codec: (await audio.getCodec()) ?? "unknown",
        sampleRate: await audio.getSampleRate(),
        channels: await audio.getNumberOfChannels(),
      },
      seconds,
    };
    return {
      facts,
      sound: (sampleRate, most) =>
        decoding(name, "sound", async () => {
          const lead = await leadOf(audio, format);
          const heard = await readSound(audio, { from: zero, lead, seconds: Math.min(most, seconds), name });
          return sixteenBits(
            asFfmpegResamples(heard, sampleRate),
            heard.digits === "more" && heard.sampleRate === sampleRate,
          );
        }),
      pictures: (times) => readPictures(video, zero, times, name),
      close: () => input.dispose(),
    };
  } catch (cause) {
    input.dispose();
    if (cause instanceof KdcError) throw cause;
    if (cause instanceof UnsupportedInputFormatError) {
      throw refuse(name, "it is not a film that can be read here", "Give an MP4, MOV, WebM or Matroska file", cause);
    }
    throw refuse(
      name,
      "it is damaged or cut short: what it holds could not be listed",
      "Fetch or copy it again",
      cause,
    );
  }
}

/** Pictures are told apart to 10 ms, as everywhere in this project. */
const grid = 100;

async function* readPictures(
  track: InputVideoTrack,
  zero: number,
  times: readonly number[],
  name: string,
): AsyncGenerator<Frame> {
  const sink = new VideoSampleSink(track);
  const [first, space] = [await track.getFirstTimestamp(), await track.getColorSpace()];
  const asked = times.map((time) => Math.max(first, zero + (Math.round(time * grid) + 0.49) / grid));
  let index = 0;
  let last: Frame | undefined;
  try {
    for await (const sample of sink.samplesAtTimestamps(asked)) {
      const time = times[index++];
      if (sample !== null) {
        try {
          last = { ...(await pictureOf(sample, space)), time };
        } finally {
          sample.close();
        }
      }
      if (last === undefined) throw refuse(name, "it has no picture at its start", "Fetch or copy it again");
      yield { ...last, time };
    }
  } catch (cause) {
    if (cause instanceof KdcError) throw cause;
    throw refuse(
      name,
      "its pictures could not be decoded",
      "The file may be damaged or cut short; fetch it again",
      cause,
    );
  }
}
