import { KdcError } from "@kdc-mae/core";

/** How clips are dealt to splits: shares of training, validation and test, and the seed that draws them. */
export type DealSplits = { readonly shares: readonly [number, number, number]; readonly seed: number };

/**
 * Reads `0.8,0.1,0.1`, or with a seed `0.8,0.1,0.1@7` (0 by default).
 *
 * @throws KdcError unless they are three shares that add up to 1
 */
export function dealFrom(text: string): DealSplits {
  const [list, seed = "0", ...more] = text.split("@");
  const shares = list.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const sum = shares.reduce((total, share) => total + share, 0);
  const [train, validation, test] = shares;
  const isSeed = /^\d{1,15}$/.test(seed) && more.length === 0;
  if (isSeed && shares.length === 3 && shares.every((share) => share >= 0) && Math.abs(sum - 1) < 1e-6) {
    return { shares: [train, validation, test], seed: Number(seed) };
  }
  throw new KdcError({
    where: "split by",
    what: `${JSON.stringify(text)} is not three shares that add up to 1`,
    remedy: "Give the shares of training, validation and test, such as 0.8,0.1,0.1, or with a seed 0.8,0.1,0.1@7",
    reason: "option",
  });
}
