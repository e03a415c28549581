import type { Clip, ClipItem } from "@kdc-mae/core";

/** What a media file says about itself. */
export type MediaInfo = {
  /** The container's names, such as `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  /** Seconds, where the file says. */
  readonly duration?: number;
  readonly audio?: { readonly codec: string; readonly sampleRate: number };
  readonly video?: { readonly codec: string; readonly width: number; readonly height: number };
};

/** Which frames: at these times (seconds from the clip's start), or equally spaced as `chooseFrames` does. */
export type FrameChoice = { readonly times: readonly number[] } | { readonly count: number; readonly limit: number };

export type DecodeRequest = {
  /** Hz; sound comes as the mean of its channels at this rate. */
  readonly sampleRate: number;
  readonly frames: FrameChoice;
  /** Shorter side in pixels, cut to the square in its middle. Left out: the original size. */
  readonly size?: number;
  /** At most this much of the clip is read, seconds (30 unless told). What lies beyond counts as after the end. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
};

/**
 * Reads media files. The time of a frame is the time that was asked for: it shows what a player shows at that moment,
 * to 10 ms. A time after the end shows the latest of the pictures asked for before it; where there is none the clip is
 * `too-short`.
 *
 * Both methods throw a KdcError that names the file, with one of the {@link MediaReason}s.
 */
export type Decoder = {
  readonly name: string;
  probe(path: string, options?: { signal?: AbortSignal }): Promise<MediaInfo>;
  decode(item: ClipItem, request: DecodeRequest): Promise<Clip>;
};
