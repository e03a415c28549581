import type { Stream } from "@kdc-mae/core";
import type { Vectors } from "../embed/embed-files.js";

/** What is known of an indexed clip, which is one window of a file. `file` is its path below the indexed folder, with `/`. */
export type IndexedClip = {
  readonly file: string;
  /** Bytes of the file. */
  readonly size: number;
  /** When it was last changed, ms since 1970. */
  readonly modified: number;
  /** Where the window lies in the file, seconds; of a still picture 0 and 0. */
  readonly start: number;
  readonly end: number;
  /** The vectors that it has. */
  readonly streams: readonly Stream[];
  /** It is the file's last one: the file is indexed whole. */
  readonly last: boolean;
};

/** A clip with its vectors, each `[D]`. */
export type ClipVectors = Omit<IndexedClip, "streams"> & Vectors;

/** What an index remembers about itself. */
export type IndexAbout = {
  readonly format: 2;
  /** The folder that was indexed, absolute. */
  readonly root: string;
  readonly model: { readonly name: string; readonly sha256: string; readonly path: string };
  /** D. */
  readonly width: number;
  /** Length of a window, and from one to the next, seconds. */
  readonly window: number;
  readonly hop: number;
};

/** A clip that was found. */
export type Found = { readonly clip: IndexedClip; readonly cosine: number };

/**
 * Where vectors are kept and searched. Every implementation finds the same clips in the same order, by exact cosine, up
 * to rounding.
 */
export type ClipStore = {
  readonly kind: "plain" | "lancedb";
  readonly about: IndexAbout;
  /** How many clips are indexed, or how many of them have a stream. */
  count(stream?: Stream): Promise<number>;
  /** Every indexed clip, without its vectors. */
  clips(): AsyncIterable<IndexedClip>;
  /** Takes files out with all their clips, then adds clips. A kill leaves a state that can be gone on from. */
  change(added: readonly ClipVectors[], removed: readonly string[]): Promise<void>;
  /** The `count` nearest to `query [D]` of those that have the stream, nearest first. */
  nearest(stream: Stream, query: Float32Array, count: number): Promise<readonly Found[]>;
  /** Lets go of its files. */
  close(): Promise<void>;
};
