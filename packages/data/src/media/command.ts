import { resolve } from "node:path";
import type { ClipItem } from "@kdc-mae/core";

/** Frames are laid on a grid this fine (per second) before some are picked, so that they are picked by time. */
const gridRate = 100;

/** Containers that hold sound and pictures themselves. Playlists, which name other files, are not among them. */
const containers =
  "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,wav,w64,mp3,aac,flac,aiff,au,gif,ivf,h264,hevc,m4v,mxf,rm,dv,nut,amr,caf,wtv";

/** The part of a clip to read: seconds from the start of the file, and how many. */
export type Span = { readonly start: number; readonly seconds: number };

export const spanOf = (item: ClipItem, atMost: number): Span => {
  const start = item.start ?? 0;
  return { start, seconds: Math.min(atMost, (item.end ?? Number.POSITIVE_INFINITY) - start) };
};

/** Largest picture that is decoded, pixels (8K video has 33 million), and largest piece of memory ffmpeg may take, bytes. */
const [maxPixels, maxAllocation] = [36_000_000, 2 ** 30];

/** Options before `-i`: nothing is asked of a terminal, nothing but the file itself is opened, one thread. */
export const inputOptions = (span?: Span): string[] => [
  ...["-max_alloc", String(maxAllocation), "-max_pixels", String(maxPixels)],
  ...["-nostdin", "-protocol_whitelist", "file,pipe", "-format_whitelist", containers, "-threads", "1"],
  ...(span && span.start > 0 ? ["-ss", decimal(span.start)] : []),
  ...(span && Number.isFinite(span.seconds) ? ["-t", decimal(span.seconds)] : []),
];

/** A name that no option, protocol or pattern hides in: absolute, so that neither a leading dash nor a colon matters. */
export const inputPath = (path: string): string => resolve(path);

/** Sound as mono 16-bit WAV. `pan` is a plain mean of up to 16 channels, where `-ac 1` would weigh surround channels. */
export const audioOptions = (sampleRate: number): string[] => {
  const channels = Array.from({ length: 16 }, (_, channel) => `c${channel}`).join("+");
  const filters = `pan=mono|c0<${channels},aresample=${sampleRate}`;
  const bare = ["-map_metadata", "-1", "-fflags", "+bitexact"];
  return ["-map", "0:a:0", "-vn", "-af", filters, "-ar", String(sampleRate), "-c:a", "pcm_s16le", ...bare, "-f", "wav"];
};

/** Which picture of ffmpeg's output shows each requested time. */
export type Picked = { readonly gridFrames: readonly number[]; readonly indexOf: readonly number[] };

/** Places times (seconds, in any order, repeated or not) on the grid. */
export function pickFrames(times: readonly number[]): Picked {
  const wanted = times.map((time) => Math.max(0, Math.round(time * gridRate)));
  const gridFrames = [...new Set(wanted)].sort((a, b) => a - b);
  return { gridFrames, indexOf: wanted.map((frame) => gridFrames.indexOf(frame)) };
}

/**
 * Chosen pictures as raw RGB. `fps` repeats each picture until the next one, `select` picks by the number on that
 * grid, `setpts` renumbers them so that none is repeated or dropped on the way out.
 */
export const frameOptions = ({ gridFrames }: Picked, size: number | undefined): string[] => {
  const chosen = gridFrames.map((frame) => `eq(n\\,${frame})`).join("+");
  const square = [
    `scale=w=if(gt(iw\\,ih)\\,trunc(${size}*iw/ih)\\,${size}):h=if(gt(iw\\,ih)\\,${size}\\,trunc(${size}*ih/iw)):flags=bicubic`,
    "format=rgb24",
    `crop=${size}:${size}:round((iw-${size})/2):round((ih-${size})/2)`,
  ];
  const filters = [
    `fps=fps=${gridRate}:round=near:start_time=0`,
    `select=${chosen}`,
    ...(size === undefined ? ["format=rgb24"] : square),
    `setpts=N/(${gridRate}*TB)`,
  ];
  return [
    "-map",
    "0:V:0",
    "-an",
    "-vf",
    filters.join(","),
    "-r",
    String(gridRate),
    "-frames:v",
    String(gridFrames.length),
    "-f",
    "rawvideo",
  ];
};

const decimal = (seconds: number): string => seconds.toFixed(6);
