/** What was met while reading and is no clip, by reason, with the first few names. */
export type PassedOver = Readonly<Record<string, { readonly count: number; readonly first: readonly string[] }>>;

/** Told of everything that is passed over; `reason` is a few words, such as `.heic` or `label not taken`. */
export type PassOver = (reason: string, name: string) => void;

const shown = 3;

/** Counts what is passed over. */
export function countPassedOver(): {
  readonly passOver: PassOver;
  /** What was passed over so far, the most frequent reason first. */
  readonly result: () => PassedOver;
} {
  const reasons = new Map<string, { count: number; first: string[] }>();
  return {
    passOver: (reason, name) => {
      const known = reasons.get(reason) ?? { count: 0, first: [] };
      known.count++;
      if (known.first.length < shown) known.first.push(name);
      reasons.set(reason, known);
    },
    result: () => Object.fromEntries([...reasons].sort(([, a], [, b]) => b.count - a.count)),
  };
}

/**
 * In one line, such as `passed over: .txt 3 (a.txt, b.txt, c.txt), hidden 1 (.DS_Store)`; undefined for nothing.
 *
 * @example
 * ```ts
 * import { passedOverInWords } from "@kdc-mae/data/node";
 *
 * passedOverInWords({ ".txt": { count: 1, first: ["notes.txt"] } }); // "passed over: .txt 1 (notes.txt)"
 * ```
 */
export function passedOverInWords(passed: PassedOver): string | undefined {
  const parts = Object.entries(passed).map(
    ([reason, { count, first }]) => `${reason} ${count} (${first.join(", ")}${count > first.length ? ", …" : ""})`,
  );
  return parts.length === 0 ? undefined : `passed over: ${parts.join(", ")}`;
}
