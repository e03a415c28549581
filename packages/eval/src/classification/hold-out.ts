import { createRng, type Rng } from "@kdc-mae/core";

/**
 * Sets a share of every kind's clips aside, by seed: at least one of a kind with two or more.
 *
 * @param groups one kind per clip
 */
export function holdOut(
  groups: ArrayLike<number>,
  share = 0.2,
  rng: Rng = createRng("hold-out"),
): { readonly kept: Int32Array; readonly held: Int32Array } {
  const members = new Map<number, number[]>();
  for (let i = 0; i < groups.length; i++) members.set(groups[i], [...(members.get(groups[i]) ?? []), i]);
  const held = new Set<number>();
  for (const [kind, clips] of members) {
    const count = clips.length < 2 ? 0 : Math.max(1, Math.round(share * clips.length));
    for (const place of rng.fork(kind).permutation(clips.length).subarray(0, count)) held.add(clips[place]);
  }
  const all = Int32Array.from({ length: groups.length }, (_, index) => index);
  return { kept: all.filter((index) => !held.has(index)), held: all.filter((index) => held.has(index)) };
}
