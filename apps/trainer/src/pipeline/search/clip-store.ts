import type { Stream } from "@kdc-mae/core";
/** What is known about an indexed file without looking into it. `file` is its path below the indexed folder, with `/`. */
export type IndexedClip = {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last changed, ms since 1970. */
  readonly modified: number;
  readonly windows: number;
};

/** The vectors a clip is found by. */
export const streamNames: readonly Stream[] = ["audio", "visual", "joint"];

/** A clip with its vectors, each `[D]`. */
export type ClipVectors = IndexedClip & Readonly<Record<Stream, Float32Array>>;

/** What an index remembers about itself. */
export type IndexAbout = {
  readonly format: 1;
  /** The folder that was indexed, absolute. */
  readonly root: string;
  readonly model: { readonly name: string; readonly sha256: string; readonly path: string };
  /** D. */
  readonly width: number;
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
  /** How many clips are indexed. */
  count(): Promise<number>;
  /** Every indexed clip, without its vectors. */
  clips(): AsyncIterable<IndexedClip>;
  /** Adds clips, in place of those of the same file, and takes files out. A kill leaves a state that can be gone on from. */
  change(added: readonly ClipVectors[], removed: readonly string[]): Promise<void>;
  /** The `count` nearest to `query [D]`, nearest first. */
  nearest(stream: Stream, query: Float32Array, count: number): Promise<readonly Found[]>;
  /** Lets go of its files. */
  close(): Promise<void>;
};
