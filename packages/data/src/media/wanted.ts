import type { Frame, Waveform } from "@kdc-mae/core";
import type { PictureTrack, SoundTrack } from "./ffmpeg/facts.js";

/** What is to be decoded of a part of a file. */
export type Wanted = {
  readonly sound?: { readonly track: SoundTrack; readonly sampleRate: number };
  readonly pictures?: { readonly track: PictureTrack; readonly times: readonly number[]; readonly size?: number };
};

/** What was. */
export type Decoded = {
  readonly waveform?: Waveform;
  readonly frames?: readonly Frame[];
  /** There is more sound than the part is long: its kind changed in the middle, and it was put in its place anew. */
  readonly restarted?: boolean;
};
