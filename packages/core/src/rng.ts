/**
 * Seeded randomness with named streams. A stream is forked by name, so that drawing more numbers in one room
 * never changes the numbers another room sees. Integers only until the last step: the same on every machine.
 */
export type Rng = {
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1) with 53 bits. */
  uniform(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** Standard normal value (Box–Muller). */
  normal(): number;
  /** Uniform random permutation of 0 … n−1 (Fisher–Yates). */
  permutation(n: number): Int32Array;
  /** An independent stream, determined by this stream's seed and the name alone, not by what was drawn. */
  fork(name: string | number): Rng;
};

/** 32-bit mix of a string into a running hash (FNV-1a step, then the murmur3 finaliser). */
function hash(text: string, seed: number): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A random stream (xoshiro128**, Blackman & Vigna 2018) from a seed.
 *
 * @param seed any integer or name; equal seeds give equal streams everywhere
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 *
 * const masks = createRng(42).fork("masking");
 * const order = masks.permutation(512); // the same each time
 * ```
 */
export function createRng(seed: number | string): Rng {
  const key = String(seed);
  let a = hash(key, 0x9e3779b9);
  let b = hash(key, 0x243f6a88);
  let c = hash(key, 0xb7e15162);
  let d = hash(key, 0x6a09e667) | 1;

  const uint32 = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => ((uint32() >>> 5) * 67108864 + (uint32() >>> 6)) / 9007199254740992;
  const integer = (below: number): number => {
    const limit = 4294967296 - (4294967296 % below);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % below;
  };
  return {
    uint32,
    uniform,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    permutation: (n) => {
      const deck = Int32Array.from({ length: n }, (_, index) => index);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(i + 1);
        [deck[i], deck[j]] = [deck[j], deck[i]];
      }
      return deck;
    },
    fork: (name) => createRng(`${key}/${name}`),
  };
}
