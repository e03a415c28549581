import { setTimeout as sleep } from "node:timers/promises";
import { anyoneAsked } from "@kdc-mae/engine";
import { type Ranks, sharedList } from "./ranks.js";

/** What a rank works on before all tell each other what they made, at least one item: a kill loses no more. */
const [ITEMS, WEIGHT] = [16, 64 * 2 ** 20];
/** How long one that is asked to stop waits for the others to come to the end of what they are at, ms. */
const PATIENCE = 10_000;

/**
 * Deals items of a list out, wave by wave: in each wave an item goes to the rank that has the least to do.
 *
 * @param weights what the work on each item weighs
 * @returns of each wave the rank of each of its items, in their order
 */
export function dealt(weights: readonly number[], size: number): readonly (readonly number[])[] {
  const waves: number[][] = [];
  let [owners, loads]: [number[], number[]] = [[], []];
  const begin = () => {
    owners = [];
    loads = new Array<number>(size).fill(0);
    waves.push(owners);
  };
  for (const weight of weights) {
    const isFull = owners.length >= size * ITEMS || loads.reduce((sum, load) => sum + load, 0) >= size * WEIGHT;
    if (owners.length === 0 || isFull) begin();
    // What weighs nothing is work too.
    const least = loads.indexOf(Math.min(...loads));
    loads[least] += Math.max(1, weight);
    owners.push(least);
  }
  return waves;
}

/**
 * Work that ranks share, each its own items; what is made of them comes in their order, to every rank. It must be such as
 * can be cloned. Where one rank is asked to stop all do so together, after what was made before the first gap.
 *
 * @param weights what the work on each item weighs, the same on every rank
 * @param work makes one thing of each of the items it is given, in their order
 * @throws AbortError when stopped
 */
export async function* sharedWork<In, Out>(
  ranks: Ranks,
  items: readonly In[],
  { weights, signal }: { readonly weights: readonly number[]; readonly signal?: AbortSignal },
  work: (own: readonly In[]) => AsyncIterable<Out>,
): AsyncGenerator<readonly [item: In, made: Out]> {
  let from = 0;
  for (const owners of dealt(weights, ranks.size)) {
    const wave = items.slice(from, from + owners.length);
    from += wave.length;
    const places = [...wave.keys()].filter((at) => owners[at] === ranks.rank);
    const own: (readonly [at: number, made: Out])[] = [];
    try {
      for await (const made of work(places.map((at) => wave[at]))) own.push([places[own.length], made]);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
    const told = sharedList(ranks, own);
    const all = new Map(await (signal?.aborted ? Promise.race([told, outOfPatience(signal)]) : told));
    for (const [at, item] of wave.entries()) {
      const made = all.get(at);
      if (made === undefined) throw stopped(signal);
      yield [item, made];
    }
    if (await anyoneAsked(ranks, signal)) throw stopped(signal);
  }
}

const stopped = (signal?: AbortSignal): unknown =>
  signal?.aborted ? signal.reason : new DOMException("another rank was asked to stop", "AbortError");

async function outOfPatience(signal: AbortSignal): Promise<never> {
  await sleep(PATIENCE, undefined, { ref: false });
  throw signal.reason;
}
