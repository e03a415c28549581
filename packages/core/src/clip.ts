/** Mono sound: samples in [−1, 1] at `sampleRate` Hz. */
export type Waveform = { readonly samples: Float32Array; readonly sampleRate: number };

/** One RGB picture: `data` runs [height, width, 3], 0–255, taken `time` seconds into the clip. */
export type Frame = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly time: number;
};

/** A box in pixels of the original picture, from the top left corner. */
export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** What a manifest knows about one clip before anything is decoded. */
export type ClipItem = {
  readonly id: string;
  readonly path: string;
  /** Start in the file, seconds. */
  readonly start?: number;
  /** End in the file, seconds. */
  readonly end?: number;
  readonly labels: readonly string[];
  readonly split?: string;
  /** Boxes of the sounding object over time, where known: `[seconds, box]`. */
  readonly boxes?: readonly (readonly [time: number, box: Box])[];
  /** What else its list says of it, column by column: figures can be had by group of any. Names are in small letters. */
  readonly columns?: Readonly<Record<string, string>>;
};

/** A decoded clip. */
export type Clip = {
  readonly item: ClipItem;
  readonly waveform: Waveform;
  readonly frames: readonly Frame[];
  /** Size of the file's pictures as a player shows them (turned, with square pixels), in whose pixels boxes are given. */
  readonly original?: { readonly width: number; readonly height: number };
  /** How long the clip is in its file, seconds; what was decoded may be less. */
  readonly seconds?: number;
};
