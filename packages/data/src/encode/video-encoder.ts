import { KdcError } from "@kdc-mae/core";
import { runFfmpeg } from "./ffmpeg-run.js";

/** Video encoders that may be used, best first, with their settings for small, quick, good-looking clips. */
const videoEncoders = [
  { name: "libx264", args: ["-preset", "ultrafast", "-crf", "18"] },
  { name: "mpeg4", args: ["-q:v", "3"] },
] as const;

/** ffmpeg's arguments that choose the video encoder. */
export type VideoEncoder = readonly string[];

/**
 * Finds the best video encoder an ffmpeg has.
 *
 * @throws KdcError with reason `ffmpeg` when there is none, or no AAC
 */
export async function chooseEncoder(ffmpeg: string, signal?: AbortSignal): Promise<VideoEncoder> {
  const listing = await runFfmpeg({ ffmpeg, args: ["-hide_banner", "-encoders"], signal });
  const has = (name: string) => new RegExp(`^\\s*[A-Z.]{6}\\s+${name}\\s`, "m").test(listing);
  const encoder = videoEncoders.find(({ name }) => has(name));
  if (encoder === undefined || !has("aac")) {
    throw new KdcError({
      where: "chooseEncoder",
      what: `${ffmpeg} lacks ${encoder === undefined ? "both libx264 and mpeg4" : "an AAC encoder"}`,
      remedy: "Use an ffmpeg that has them, such as the one in @ffmpeg-installer/ffmpeg",
      reason: "ffmpeg",
    });
  }
  return ["-c:v", encoder.name, ...encoder.args];
}
