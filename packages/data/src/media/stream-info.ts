import type { MediaInfo } from "./decoder.js";

/** Reads what ffmpeg prints about its input; undefined when it opened none. */
export function readStreamInfo(log: string): MediaInfo | undefined {
  const input = /^Input #0, (\S+), from /m.exec(log);
  if (!input) return undefined;
  const about = log.slice(input.index).split(/^(?:Stream mapping:|Output #0)/m)[0];
  const [, hours, minutes, seconds] = /^ {2}Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)/m.exec(about) ?? [];
  const streams = about.split("\n").filter((line) => /^ +Stream #0:\d+/.test(line) && !line.includes("(attached pic)"));
  const audio = streams.map((line) => /: Audio: (\w+).*?, (\d+) Hz/.exec(line)).find((found) => found);
  const video = streams.map((line) => /: Video: (\w+).*?, (\d+)x(\d+)/.exec(line)).find((found) => found);
  return {
    format: input[1],
    ...(hours === undefined ? {} : { duration: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) }),
    ...(audio ? { audio: { codec: audio[1], sampleRate: Number(audio[2]) } } : {}),
    ...(video ? { video: { codec: video[1], width: Number(video[2]), height: Number(video[3]) } } : {}),
  };
}

/** Width and height of the raw pictures that ffmpeg wrote. */
export function readPictureSize(log: string): { width: number; height: number } | undefined {
  const found = /: Video: rawvideo .*?, rgb24.*?, (\d+)x(\d+)/.exec(log);
  return found ? { width: Number(found[1]), height: Number(found[2]) } : undefined;
}
