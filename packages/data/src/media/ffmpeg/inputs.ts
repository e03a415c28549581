/** One track as ffmpeg lists it. */
export type ListedTrack = {
  readonly codec: string;
  /** The container marks it as the one to play. */
  readonly chosen: boolean;
  /** Pixels, or Hz, where the line tells. */
  readonly width?: number;
  readonly height?: number;
  readonly sampleRate?: number;
};

/** One input as ffmpeg lists it. */
export type ListedInput = {
  /** The container's names, such as `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  /** Seconds, where the file says. */
  readonly duration?: number;
  /** The first timestamp, seconds, where the file has one. */
  readonly start?: number;
  /** Tracks of pictures, attached ones (covers) and thumbnails left out, as ffmpeg's `V` counts them. */
  readonly pictures: readonly ListedTrack[];
  readonly sounds: readonly ListedTrack[];
};

const attached = /\((?:attached pic|timed thumbnails)\)/;

/** The inputs that ffmpeg opened, in order. `log` is one without the file's name. */
export function listedInputs(log: string): ListedInput[] {
  const parts = log.split(/^\[info\] Input #\d+, /m).slice(1);
  return parts.map((part) => {
    const about = part.split(/^\[info\] (?:Output #|Stream mapping:|Input #)/m)[0];
    // Before the line of the duration come titles and other words of the file's maker, after it what ffmpeg found.
    const cut = about.search(/^\[info\] {3}Duration: /m);
    const lines = (cut < 0 ? "" : about.slice(cut)).split("\n");
    const streams = lines.filter((line) => /^\[info\] {3,5}Stream #\d+:\d+/.test(line));
    const [, hours, minutes, seconds] =
      /^\[info\] {3}Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(lines[0] ?? "") ?? [];
    const [, start] = /^\[info\] {3}Duration: [\d:.N/A]+, start: (-?\d+\.\d+)/.exec(lines[0] ?? "") ?? [];
    const of = (kind: string) =>
      streams.flatMap((line): ListedTrack[] => {
        const [, codec, rest] = new RegExp(`^\\[info\\] +Stream #\\d+:\\d+.*?: ${kind}: (\\w+)(.*)$`).exec(line) ?? [];
        if (codec === undefined || attached.test(rest)) return [];
        const [, width, height] = /, (\d+)x(\d+)/.exec(rest) ?? [];
        const [, rate] = /, (\d+) Hz/.exec(rest) ?? [];
        return [
          {
            codec,
            chosen: rest.includes("(default)"),
            ...(width === undefined ? {} : { width: Number(width), height: Number(height) }),
            ...(rate === undefined ? {} : { sampleRate: Number(rate) }),
          },
        ];
      });
    return {
      format: part.split(", from ")[0],
      ...(hours === undefined ? {} : { duration: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) }),
      ...(start === undefined ? {} : { start: Number(start) }),
      pictures: of("Video"),
      sounds: of("Audio"),
    };
  });
}
