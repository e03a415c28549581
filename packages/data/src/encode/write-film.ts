import { rename, rm } from "node:fs/promises";
import { centreCrop } from "@kdc-mae/core";
import { hold, temporaryName } from "@kdc-mae/core/node";
import { inputPath } from "../media/command.js";
import { type Pieces, runFfmpeg, writingError } from "./ffmpeg-run.js";
import { chooseEncoder } from "./video-encoder.js";

type Tools = { readonly ffmpeg: string; readonly signal?: AbortSignal };

/** Pictures that are drawn one after another, each shown for the same time. */
export type Pictures = {
  readonly width: number;
  readonly height: number;
  /** Pictures a second. */
  readonly rate: number;
  /** Each width × height × 3 bytes (RGB), or × 4 (RGBA) where they lie over others. */
  readonly pieces: Pieces;
};

const raw = ({ width, height, rate }: Pictures, format: "rgb24" | "rgba") => [
  ...["-f", "rawvideo", "-pix_fmt", format, "-s", `${width}x${height}`, "-r", String(rate), "-i", "pipe:0"],
];

const even = (pixels: number) => 2 * Math.round(pixels / 2);

/** Writes under a passing name, so that the file is there only when it is whole. */
async function whole(path: string, write: (passing: string) => Promise<unknown>): Promise<void> {
  const passing = temporaryName(path);
  const letGo = hold(passing);
  try {
    await write(passing);
    await rename(passing, path);
  } catch (error) {
    throw await writingError(error, passing, path);
  } finally {
    await rm(passing, { force: true });
    letGo();
  }
}

/** A film with pictures laid over the square in its middle. */
export type OverlaidFilm = Tools & {
  /** The film below; its own sound stays. */
  readonly film: string;
  /** As it is shown, pixels; which of its tracks. */
  readonly video: { readonly width: number; readonly height: number; readonly track: number };
  readonly audio?: { readonly track: number };
  /** RGBA, square; the first is shown from the film's beginning on, the last until its end. */
  readonly layers: Pictures;
  /** Shorter side of what is written, pixels: no larger than the film's own. */
  readonly size: number;
  /** The mp4 to write; nothing where left out. */
  readonly path?: string;
  /** Writes a picture for the middle of every layer, named by this pattern of ffmpeg's (`%06d`, from 0). */
  readonly stills?: string;
};

/** Pictures a second of an overlaid film. */
const frameRate = 25;

/**
 * Lays pictures over a film, with its sound, as an mp4 or as single pictures. Nothing is held: layers are taken as they
 * are drawn.
 *
 * @throws KdcError reason `ffmpeg`, quoting ffmpeg's last words; `disk-full`, `permission` … where the file cannot be written
 */
export async function overlayFilm(options: OverlaidFilm): Promise<void> {
  const { ffmpeg, signal, film, video, audio, layers, path, stills } = options;
  const scale = Math.min(1, options.size / Math.min(video.width, video.height));
  const [width, height] = [even(video.width * scale), even(video.height * scale)];
  const side = Math.min(width, height);
  const [left, top] = [centreCrop(width, side), centreCrop(height, side)];
  const outputs = [...(path === undefined ? [] : ["film"]), ...(stills === undefined ? [] : ["stills"])];
  // A picture lasts 1/rate: on a grid twice as fine every second one is the middle of a layer. They are timed anew, and an
  // output of that rate then has each once: the option that would write them as they come has no name that all ffmpegs know.
  const middles = `fps=fps=${2 * layers.rate}:round=near,select=mod(n\\,2),setpts=2*N`;
  const filter = [
    `[0:V:${video.track}]fps=fps=${Math.max(frameRate, layers.rate)},scale=${width}:${height},setsar=1[below]`,
    `[1:v]scale=${side}:${side}:flags=bilinear[above]`,
    `[below][above]overlay=x=${left}:y=${top}:format=rgb:eof_action=repeat,split=${outputs.length}${outputs.map((name) => `[${name}0]`).join("")}`,
    ...(path === undefined ? [] : ["[film0]format=yuv420p[film]"]),
    ...(stills === undefined ? [] : [`[stills0]${middles}[stills]`]),
  ].join(";");
  const sound = audio === undefined ? [] : ["-map", `0:a:${audio.track}`, "-c:a", "aac", "-b:a", "128k"];
  const encoder = await chooseEncoder(ffmpeg, signal);
  const write = (passing?: string) =>
    runFfmpeg({
      ...{ ffmpeg, signal, input: layers.pieces },
      args: [
        ...["-v", "error", "-y", "-i", inputPath(film), ...raw(layers, "rgba"), "-filter_complex", filter],
        ...(passing === undefined
          ? []
          : ["-map", "[film]", ...encoder, ...sound, "-movflags", "+faststart", "-f", "mp4", inputPath(passing)]),
        ...(stills === undefined
          ? []
          : ["-map", "[stills]", "-r", String(layers.rate), "-start_number", "0", "-f", "image2", inputPath(stills)]),
      ],
    });
  await (path === undefined ? write() : whole(path, write));
}

/**
 * Writes pictures as an mp4, over sound where there is some.
 *
 * @param film `pictures` RGB, of even width and height; `sound` a sound file
 * @throws KdcError reason `ffmpeg`, quoting ffmpeg's last words; `disk-full`, `permission` … where the file cannot be written
 */
export async function writeFilm({
  ffmpeg,
  signal,
  pictures,
  path,
}: Tools & { readonly pictures: Pictures; readonly path: string }): Promise<void> {
  const encoder = await chooseEncoder(ffmpeg, signal);
  await whole(path, (passing) =>
    runFfmpeg({
      ...{ ffmpeg, signal, input: pictures.pieces },
      args: [
        ...["-v", "error", "-y", ...raw(pictures, "rgb24"), ...encoder, "-pix_fmt", "yuv420p"],
        ...["-f", "mp4", inputPath(passing)],
      ],
    }),
  );
}

/**
 * Puts a sound under a film's pictures, which are copied.
 *
 * @param files `sound` 16-bit mono samples without a header, at `sampleRate` Hz, little-endian
 * @throws KdcError reason `ffmpeg`, quoting ffmpeg's last words; `disk-full`, `permission` … where the file cannot be written
 */
export const putSoundUnder = ({
  ffmpeg,
  signal,
  film,
  sound,
  sampleRate,
  path,
}: Tools & {
  readonly film: string;
  readonly sound: string;
  readonly sampleRate: number;
  readonly path: string;
}): Promise<void> =>
  whole(path, (passing) =>
    runFfmpeg({
      ...{ ffmpeg, signal },
      args: [
        ...["-v", "error", "-y", "-nostdin", "-i", inputPath(film)],
        ...["-f", "s16le", "-ar", String(sampleRate), "-ac", "1", "-i", inputPath(sound)],
        ...["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k"],
        ...["-movflags", "+faststart", "-f", "mp4", inputPath(passing)],
      ],
    }),
  );
