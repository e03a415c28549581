import { createHash } from "node:crypto";
import { KdcError } from "@kdc-mae/core";
import type { IndexAbout } from "./clip-store.js";
import type { SegmentAbout } from "./segment-columns.js";

/** A segment, and which of its rows count no more. */
export type SegmentState = SegmentAbout & { readonly dead: readonly number[] };

/** Names of segments: nothing outside the folder. */
export const segmentName = /^segment-\d{8}\.safetensors$/;

/** What a plain index is made of. */
export type PlainIndex = { readonly about: IndexAbout; readonly segments: readonly SegmentState[] };

const sumOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** Numbers in rising order as the distances between them, which are short to write. */
const distances = (numbers: readonly number[]): number[] => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted.map((value, at) => value - (at === 0 ? 0 : sorted[at - 1]));
};
const fromDistances = (steps: readonly number[]): number[] => {
  let at = 0;
  return steps.map((step) => (at += step));
};

/** The content of `index.json`, with its own checksum. */
export function writtenIndex({ about, segments }: PlainIndex): string {
  const index = { format: 3, about, segments: segments.map((one) => ({ ...one, dead: distances(one.dead) })) };
  return `${JSON.stringify({ ...index, sum: sumOf(index) })}\n`;
}

/** @throws KdcError (`bad-index`) for what is no index, or is damaged */
export function readIndexFile(text: string, path: string): PlainIndex {
  const refuse = (what: string, cause?: unknown) =>
    new KdcError({
      where: `index ${path}`,
      what,
      remedy: "Give the folder that kdc-mae index made; to begin again, delete it",
      reason: "bad-index",
      cause,
    });
  let value: { format?: unknown; sum?: unknown; about: IndexAbout; segments: readonly SegmentState[] };
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse("it is not an index, or is damaged: not valid JSON", cause);
  }
  if (typeof value !== "object" || value === null) throw refuse("it is not an index");
  if (value.format === 2)
    throw refuse("it was made by an earlier version, which looked at the first ten seconds of a film");
  if (value.format !== 3) throw refuse("it is not an index");
  const { sum, ...index } = value;
  if (sum !== sumOf(index)) throw refuse("it is damaged: its checksum does not match its content");
  const named = Array.isArray(index.segments) && index.segments.every(({ file }) => segmentName.test(file));
  if (!named || !(Number.isInteger(index.about?.width) && index.about.width > 0)) throw refuse("it is not an index");
  return { about: index.about, segments: index.segments.map((one) => ({ ...one, dead: fromDistances(one.dead) })) };
}
