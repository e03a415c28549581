import type { Clip, ClipItem, Frame, Waveform } from "@kdc-mae/core";
import type { MediaWindow, WindowsRequest } from "../film/media-window.js";

/** What a media file says about itself. Times are seconds on the clip's clock, which `docs/data.md` tells of. */
export type MediaInfo = {
  /** The container's names, such as `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  /** Seconds. */
  readonly duration?: number;
  /**
   * The track that is decoded, the `track`-th of sound; `end` is when it ends, where that is within half a minute.
   */
  readonly audio?: {
    readonly track: number;
    readonly codec: string;
    readonly sampleRate: number;
    readonly end?: number;
  };
  /** The track that is decoded, the `track`-th of pictures (covers left out); width and height as shown, pixels. */
  readonly video?: {
    readonly track: number;
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    readonly end?: number;
  };
};

/** Which frames: at these times (seconds from the clip's start), or equally spaced as `chooseFrames` does. */
export type FrameChoice = { readonly times: readonly number[] } | { readonly count: number; readonly limit: number };

/** What is wanted of a clip: sound at a rate, pictures at moments and of a size. */
export type DecodeRequest = {
  /** Hz; sound comes as the mean of its channels at this rate. */
  readonly sampleRate: number;
  readonly frames: FrameChoice;
  /** Shorter side in pixels, cut to the square in its middle. Left out: the size it is shown in. */
  readonly size?: number;
  /** At most this much of the clip is read, seconds (30 by default). What lies beyond counts as after the end. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
};

/**
 * Reads media files. The time of a frame is the time that was asked for: it shows what a player shows at that moment,
 * to 10 ms, and after the last picture that one, which stands. A part that no picture or no sound reaches is
 * `too-short`.
 *
 * All methods throw a KdcError that names the file, with one of the {@link MediaReason}s.
 */
export type Decoder = {
  readonly name: string;
  /** How many clips one process takes at a time; whoever has many asks for this many times the processes. */
  readonly together?: number;
  /** What a file holds, without decoding it. @throws KdcError with a `MediaReason` */
  probe(path: string, options?: { signal?: AbortSignal }): Promise<MediaInfo>;
  /** Sound and pictures of one clip. @throws KdcError with a `MediaReason` */
  decode(item: ClipItem, request: DecodeRequest): Promise<Clip>;
};

/** Reads pictures of a file that need not hold sound. */
export type PictureDecoder = {
  /**
   * @param request `times` in seconds from the item's start, at least one; `size` as in {@link DecodeRequest}
   * @throws KdcError with a {@link MediaReason}
   */
  decodePictures(
    item: ClipItem,
    request: { readonly times: readonly number[]; readonly size?: number; readonly signal?: AbortSignal },
  ): Promise<readonly Frame[]>;
};

/** Reads the sound of a file that need not hold pictures. */
export type SoundDecoder = {
  /** @throws KdcError with a {@link MediaReason} */
  decodeSound(item: ClipItem, request: Pick<DecodeRequest, "sampleRate" | "seconds" | "signal">): Promise<Waveform>;
};

/** Reads all of a film, window by window. */
export type FilmDecoder = {
  /**
   * The windows of a file's whole length, or of an item's part of it, each with the sound and the pictures that there
   * are: of a silent film pictures, of a sound file sound. Memory is bounded whatever the length. Windows that neither
   * reaches are not among them.
   *
   * @throws KdcError with a {@link MediaReason}, after the windows before the fault
   */
  windows(item: ClipItem, request: WindowsRequest): AsyncGenerator<MediaWindow>;
};

/** A decoder that does all four. */
export type MediaDecoder = Decoder & SoundDecoder & PictureDecoder & FilmDecoder;
