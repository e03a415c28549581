/** The ways to decode, all by one contract; the first is used unless told. */
export const decoderNames = ["ffmpeg-batches", "ffmpeg-pipes", "fluent-ffmpeg"] as const;
export type DecoderName = (typeof decoderNames)[number];
