import { resolve } from "node:path";
import { type ClipItem, centreCrop } from "@kdc-mae/core";
import { swapsSides, turnFilters } from "./container/turn.js";
import type { Facts, PictureTrack, SoundTrack } from "./ffmpeg/facts.js";
import type { Job } from "./ffmpeg/job.js";

/** Frames are laid on a grid this fine (per second) before some are picked, so that they are picked by time. */
export const gridRate = 100;

/** Containers that hold sound and pictures themselves. Playlists, which name other files, are not among them. */
const containers =
  "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,wav,w64,mp3,aac,flac,aiff,au,gif,ivf,h264,hevc,m4v,mxf,rm,dv,nut,amr,caf,wtv,ac3,eac3,wv,ape,tta,dts,truehd,mpc,mpc8,tak,dsf,voc,oma";

/** The part of a clip to read: seconds from the start of the film, and how many. */
export type Span = { readonly start: number; readonly seconds: number };

export const spanOf = (item: ClipItem, atMost: number): Span => {
  const start = item.start ?? 0;
  return { start, seconds: Math.min(atMost, (item.end ?? Number.POSITIVE_INFINITY) - start) };
};

/** Largest picture that is decoded, pixels (8K video has 33 million), and largest piece of memory ffmpeg may take, bytes. */
export const maxPixels = 36_000_000;
const maxAllocation = 2 ** 30;

/**
 * Options of a run: the log with its levels, nothing asked of a terminal. The raw kinds take timestamps as they stand
 * and mend none: where they do not restart, ffmpeg's mending of transport streams moves sound and pictures apart.
 */
export const generalOptions = (kind: Job<unknown>["kind"]): string[] => [
  ...["-hide_banner", "-nostats", "-nostdin", "-v", "level+info"],
  ...(kind.endsWith("raw") ? ["-copyts"] : []),
];

/** Options before `-i`: nothing but the file itself is opened, one thread. */
const limits = (): string[] => [
  ...["-max_alloc", String(maxAllocation), "-max_pixels", String(maxPixels)],
  ...["-protocol_whitelist", "file,pipe", "-format_whitelist", containers, "-threads", "1"],
];

/** A name that no option, protocol or pattern hides in: absolute, so that neither a leading dash nor a colon matters. */
export const inputPath = (path: string): string => resolve(path);

/** Counts the packets of one part of a file, to be read by `readPackets`. */
export const countInput = (path: string, from: number): string[] => [
  ...limits(),
  ...(from > 0 ? ["-ss", decimal(from)] : []),
  ...["-i", inputPath(path)],
];
export const countOutput = (input: number, seconds: number): string[] => [
  ...["-map", `${input}:V?`, "-map", `${input}:a?`, "-c", "copy", "-copyinkf"],
  ...(Number.isFinite(seconds) ? ["-t", decimal(seconds)] : []),
  ...["-f", "framecrc"],
];

/** Where decoding begins: sought to `seek` seconds of the file's clock; the clip begins at `shift` on ffmpeg's. */
export type Beginning = { readonly kind: Job<unknown>["kind"]; readonly seek: number; readonly shift: number };

/** Sound needs a little before a cut to decode well; transport streams have no list of the pictures that stand alone. */
const [soundLead, pictureLead, shortStream] = [0.5, 15, 60];

/** Where to begin for a clip that starts `start` seconds into a film. */
export function beginningOf(facts: Facts, start: number, transport: boolean): Beginning {
  const from = start + facts.zero;
  const kind = transport && !facts.restarts ? "decode-raw" : "decode";
  const raw = kind === "decode-raw" ? facts.start : 0;
  if (start === 0 || facts.restarts || (transport && from < shortStream)) return { kind, seek: 0, shift: from + raw };
  const seek = Math.max(0, from - (transport ? pictureLead : soundLead));
  return { kind, seek, shift: kind === "decode-raw" ? from + raw : from - seek };
}

/** Options before and with `-i` for decoding: pictures as stored, filters that go on when their size changes, and what stands at a cut. */
export const decodeInput = (path: string, { seek }: Beginning): string[] => [
  ...limits(),
  ...["-noautorotate", "-reinit_filter:v", "0"],
  ...(seek > 0 ? ["-noaccurate_seek", "-ss", decimal(seek)] : []),
  ...["-i", inputPath(path)],
];

/** The same for what comes through ffmpeg's own input, from its beginning: its clock begins where its earliest track does. */
export const pipedInput = (): string[] => [...limits(), "-noautorotate", "-reinit_filter:v", "0", "-i", "pipe:0"];

/**
 * Sound as mono WAV, 16-bit; of floating-point sound as floating point, which alone shows what is no number. It is put
 * in its place on the clip's clock: what comes before is cut off, silence stands before late sound and in gaps.
 * `pan` is a plain mean of up to 16 channels, where `-ac 1` would weigh surround channels.
 *
 * @param placed left out by a caller that puts the beginning in its place itself
 */
export function soundOutput(
  input: number,
  { index, codec }: SoundTrack,
  how: { readonly sampleRate: number; readonly seconds: number; readonly shift: number } & {
    readonly placed?: boolean;
    /** Bare samples instead of a WAV file. */
    readonly bare?: boolean;
  },
): string[] {
  const channels = Array.from({ length: 16 }, (_, channel) => `c${channel}`).join("+");
  const filters = [
    ...(how.shift === 0 ? [] : [`asetpts=PTS-${decimal(how.shift)}/TB`]),
    `atrim=start=0${Number.isFinite(how.seconds) ? `:end=${decimal(how.seconds)}` : ""}`,
    `pan=mono|c0<${channels}`,
    `aresample=${how.sampleRate}:async=1:min_hard_comp=0.05${(how.placed ?? true) ? ":first_pts=0" : ""}`,
  ];
  const bare = ["-map_metadata", "-1", "-fflags", "+bitexact"];
  const kind = bareSound(codec);
  return [
    ...["-map", `${input}:a:${index}`, "-vn", "-af", filters.join(","), "-ar", String(how.sampleRate)],
    ...["-c:a", `pcm_${kind}`, ...bare, "-f", how.bare ? kind : "wav"],
  ];
}

/** How samples come of a track. */
export const bareSound = (codec: string): "f32le" | "s16le" => (/^pcm_f/.test(codec) ? "f32le" : "s16le");

/** Which picture of ffmpeg's output shows each requested time. */
export type Picked = { readonly gridFrames: readonly number[]; readonly indexOf: readonly number[] };

/**
 * Places times (seconds, in any order, repeated or not) on the grid.
 *
 * @param last when the last picture comes: later times are shown it, since it stands
 */
export function pickFrames(times: readonly number[], last = Number.POSITIVE_INFINITY): Picked {
  const stands = Math.max(0, Math.round(last * gridRate));
  const wanted = times.map((time) => Math.min(stands, Math.max(0, Math.round(time * gridRate))));
  const gridFrames = [...new Set(wanted)].sort((a, b) => a - b);
  return { gridFrames, indexOf: wanted.map((frame) => gridFrames.indexOf(frame)) };
}

/** Which pictures of the grid are wanted: an expression of ffmpeg's over their number `n`, and how many those are. */
export type Selected = { readonly select: string; readonly count: number };

export const selectPicked = ({ gridFrames }: Picked): Selected => ({
  select: gridFrames.map((frame) => `eq(n\\,${frame})`).join("+"),
  count: gridFrames.length,
});

/**
 * Chosen pictures, each a PPM file, which says its own size. `fps` repeats each picture until the next one, `select`
 * picks by the number on that grid, `setpts` renumbers them so that none is repeated or dropped on the way out. They
 * are brought to the size of the first, with square pixels, and turned as they are shown.
 */
export function pictureOutput(
  input: number,
  track: PictureTrack,
  { select, count }: Selected,
  { size, shift }: { readonly size: number | undefined; readonly shift: number },
): string[] {
  const filters = [
    ...(shift === 0 ? [] : [`setpts=PTS-${decimal(shift)}/TB`]),
    `fps=fps=${gridRate}:round=near:start_time=0`,
    `select=${select}`,
    ...scaling(track, size),
    `setpts=N/(${gridRate}*TB)`,
  ];
  return [
    ...["-map", `${input}:V:${track.index}`, "-an", "-vf", filters.join(",")],
    ...["-r", String(gridRate), "-frames:v", String(count), "-c:v", "ppm", "-threads", "1"],
    ...["-f", "image2pipe"],
  ];
}

function scaling({ shown, turn }: PictureTrack, size: number | undefined): string[] {
  const turns = turnFilters(turn);
  const turned = turns === "" ? [] : [turns];
  if (!shown) {
    const square = `scale=w=if(gt(iw\\,ih)\\,trunc(${size}*iw/ih)\\,${size}):h=if(gt(iw\\,ih)\\,${size}\\,trunc(${size}*ih/iw)):flags=bicubic`;
    // As `centreCrop` has it.
    const from = (side: string) => {
      const below = `trunc((${side}-${size})/2)`;
      return `${below}+mod(${side}-${size}\\,2)*mod(${below}\\,2)`;
    };
    const cut = `crop=${size}:${size}:${from("iw")}:${from("ih")}`;
    return size === undefined ? [...turned, "format=rgb24"] : [...turned, square, "format=rgb24", cut];
  }
  const shorter = Math.min(shown.width, shown.height);
  const across = size === undefined ? shown.width : Math.floor((size * shown.width) / shorter);
  const down = size === undefined ? shown.height : Math.floor((size * shown.height) / shorter);
  const [width, height] = swapsSides(turn) ? [down, across] : [across, down];
  const scaled = [`scale=w=${width}:h=${height}:flags=bicubic`, "format=rgb24", ...turned];
  if (size === undefined) return scaled;
  return [...scaled, `crop=${size}:${size}:${centreCrop(across, size)}:${centreCrop(down, size)}`];
}

const decimal = (seconds: number): string => seconds.toFixed(6);
