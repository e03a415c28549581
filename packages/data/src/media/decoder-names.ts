/**
 * The ways to decode, all by one contract; the first is used by default.
 *
 * @example
 * ```ts
 * import { type DecoderName, decoderNames } from "@kdc-mae/data";
 *
 * const usual: DecoderName = decoderNames[0]; // "ffmpeg-batches"
 * ```
 */
export const decoderNames = ["ffmpeg-batches", "ffmpeg-pipes", "fluent-ffmpeg"] as const;
/** A decoder that can be chosen by name. */
export type DecoderName = (typeof decoderNames)[number];
