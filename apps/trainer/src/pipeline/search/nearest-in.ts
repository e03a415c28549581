import type { Stream } from "@kdc-mae/core";
import type { Segment } from "./segment.js";

/** A row of a segment that was found. */
export type FoundRow = { readonly row: number; readonly cosine: number };

/**
 * The `count` rows of a segment that have the stream, nearest to `query [D]` by exact cosine, nearest first, equal ones in the segment's order.
 * The stream is read block by block; sums are kept in double precision.
 */
export async function nearestIn(
  segment: Segment,
  stream: Stream,
  query: Float32Array,
  count: number,
  dead: ReadonlySet<number>,
): Promise<readonly FoundRow[]> {
  const width = query.length;
  let own = 0;
  for (const value of query) own += value * value;
  const found: FoundRow[] = [];
  let least = Number.NEGATIVE_INFINITY;
  let row = 0;
  for await (const { buffer, byteOffset, byteLength } of segment.blocks(stream)) {
    const values = new Float32Array(buffer as ArrayBuffer, byteOffset, byteLength / 4);
    for (let at = 0; at < values.length; at += width, row++) {
      let [dot, norm] = [0, 0];
      for (let d = 0; d < width; d++) {
        const value = values[at + d];
        dot += value * query[d];
        norm += value * value;
      }
      // A clip without this stream.
      if (norm === 0) continue;
      const cosine = dot / Math.sqrt(own * norm);
      if (found.length === count && cosine <= least) continue;
      if (dead.has(row)) continue;
      let place = found.length;
      while (place > 0 && found[place - 1].cosine < cosine) place--;
      found.splice(place, 0, { row, cosine });
      if (found.length > count) found.pop();
      if (found.length === count) least = found[count - 1].cosine;
    }
  }
  return found;
}
