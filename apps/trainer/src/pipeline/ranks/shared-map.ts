/** Ranks, as far as work needs to know them that a browser may do too. */
export type Between = {
  readonly rank: number;
  readonly size: number;
  /** What all ranks have, one after another, told to every one. */
  readonly gather: <T>(own: readonly T[]) => Promise<readonly T[]>;
};

/**
 * Items in order with the work on them, which ranks do by turns and tell each other. Every rank goes through all items;
 * what is made of them must be such as can be cloned.
 */
export async function* sharedMap<In, Out>(
  between: Between = { rank: 0, size: 1, gather: async (own) => own },
  items: Iterable<In> | AsyncIterable<In>,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<readonly [item: In, made: Out]> {
  let wave: In[] = [];
  const done = async () => {
    const own = between.rank < wave.length ? [await work(wave[between.rank])] : [];
    const made = await between.gather(own);
    const pairs = wave.map((item, index) => [item, made[index]] as const);
    wave = [];
    return pairs;
  };
  for await (const item of items) {
    wave.push(item);
    if (wave.length === between.size) yield* await done();
  }
  if (wave.length > 0) yield* await done();
}
