import type { PictureFormat } from "../visual/encode-picture.js";

/** What is kept of every clip. Two runs with the same content make the same bytes. */
export type PreparedContent = {
  readonly clipsPerShard: number;
  /** Hz. */
  readonly sampleRate: number;
  /** Most of a clip that is kept, seconds. */
  readonly seconds: number;
  readonly frames: {
    readonly count: number /** Frames are taken from this much of a clip, seconds. */;
    readonly limit: number;
  };
  /** Side of the square pictures, pixels; left out: pictures as large as they are. */
  readonly size?: number;
  readonly pictures: PictureFormat;
  /** Whether, and how precisely, the log-mel is kept beside the sound. */
  readonly logMel: "none" | "float16" | "float32";
};

/** As the published recipe needs it: 16 kHz, ten frames of 224 pixels over ten seconds; 10.3 s fill 1024 spectrogram frames. */
export const publishedContent: PreparedContent = {
  clipsPerShard: 500,
  sampleRate: 16000,
  seconds: 10.3,
  frames: { count: 10, limit: 10 },
  size: 224,
  pictures: { kind: "jpeg", quality: 95 },
  logMel: "none",
};
