import { createRng } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { crossModalRanks, matrix } from "@kdc-mae/eval";
import { expect, it } from "vitest";
import { manyRanks } from "./many-ranks.js";

const rng = createRng("many ranks");
const rows = (N: number, D: number) => {
  const made = matrix(N, D);
  for (let i = 0; i < N * D; i++) made.data[i] = rng.normal();
  return made;
};

it("the engine's product gives the ranks that counting here gives, and equal clips tie", async () => {
  const [N, D] = [4099, 24];
  const [audio, visual] = [rows(N, D), rows(N, D)];
  for (let i = 0; i < N * D; i++) visual.data[i] = audio.data[i] + 1.2 * visual.data[i];
  // Three clips that are alike, far apart in the gallery.
  for (const at of [2047, 4098]) {
    audio.data.copyWithin(at * D, 0, D);
    visual.data.copyWithin(at * D, 0, D);
  }
  const ours = crossModalRanks(audio, visual);
  const made = await manyRanks(audio, visual, compiled());
  for (const direction of ["audioToVisual", "visualToAudio"] as const) {
    const [own, other] = [ours[direction], made![direction]];
    // Sums in another order differ in the last digit, which moves a rank here and there by one.
    const apart = own.rank.map((rank, i) => Math.abs(rank - other.rank[i]));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(apart.filter((one) => one > 0).length).toBeLessThan(N / 100);
    for (const clip of [0, 2047, 4098]) expect([clip, other.tied[clip]]).toEqual([clip, 2]);
  }
  expect(await manyRanks(rows(10, 3), rows(10, 3), compiled())).toBeUndefined();
});
