import { access, readFile } from "node:fs/promises";
import type { BoxTrack } from "./render-frames.js";
import type { Stroke } from "./sound/stroke.js";

/** What is written beside every clip, last of all: it marks the clip as finished. */
export type Sidecar = {
  /** Hash of the parameters the clip was made with. */
  readonly set: string;
  readonly label: string;
  readonly split: string;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly seconds: number;
  readonly pitchHz: number;
  readonly loudnessDb: number;
  /** When the object sounds. */
  readonly strokes: readonly Stroke[];
  readonly boxes: BoxTrack;
  /** The silent object, where there is one. */
  readonly distractor?: { readonly kind: string; readonly boxes: BoxTrack };
  /** Of several acts: what is seen and heard from when to when, seconds. */
  readonly acts?: readonly { readonly kind: string; readonly from: number; readonly to: number }[];
};

/** The sidecar of a finished clip, or undefined when the clip or its sidecar is missing, broken or of other parameters. */
export async function findFinished(media: string, sidecar: string, set: string): Promise<Sidecar | undefined> {
  try {
    await access(media);
    const found: Sidecar = JSON.parse(await readFile(sidecar, "utf8"));
    return found.set === set ? found : undefined;
  } catch {
    return undefined;
  }
}
