import { audioGrid } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { embedClips } from "./embed-clips.js";
import { changedFrom, cutting, model, soundingClip } from "./made-moments.test.support.js";
import { embedMoments, stretchAround } from "./sound-windows.js";

const moments = (clip = soundingClip(), audioRatio = 0.75) => embedMoments([clip], model, cutting, audioRatio);

it("takes the columns around a time, as large a share as training shows, and stays within the clip", () => {
  const grid = audioGrid(1024, 128, 16);
  const around = (time: number, audioRatio = 0.75) => stretchAround(time, grid, { seconds: 10.24, audioRatio });
  expect(around(5.12)).toEqual({ first: 24, count: 16 });
  expect(around(2)).toEqual({ first: 5, count: 16 });
  expect(around(0)).toEqual({ first: 0, count: 16 });
  expect(around(11)).toEqual({ first: 48, count: 16 });
  expect(around(5.12, 0.9)).toEqual({ first: 29, count: 6 });
  expect(around(5.12, 0.999)).toEqual({ first: 32, count: 1 });
  expect(around(5.12, 0)).toEqual({ first: 0, count: 64 });
});

it("hears nothing outside its stretch, and everything inside", async () => {
  const whole = await moments();
  expect(whole.map(({ heard }) => heard.map((share) => Math.round(6 * share)))).toEqual([
    [0, 2],
    [0, 2],
    [2, 4],
    [3, 5],
    [4, 6],
  ]);
  const silenced = await moments(changedFrom(3, soundingClip()));
  const other = await moments(changedFrom(3, soundingClip(), soundingClip("other", 2900)));
  for (const [index, { audio, tokens }] of whole.entries()) {
    const before = index < 2;
    for (const changed of [silenced, other]) {
      expect([index, changed[index].audio.every((value, k) => value === audio[k])]).toEqual([index, before]);
      expect(changed[index].tokens).toEqual(tokens);
    }
  }
});

it("is the unmasked embedding where nothing is hidden", async () => {
  const clip = soundingClip();
  const [embedding] = await embedClips([clip], model, cutting);
  const [moment] = await moments(clip, 0);
  expect(moment.heard).toEqual([0, 1]);
  for (const [k, value] of embedding.audio.entries()) expect(moment.audio[k]).toBeCloseTo(value, 5);
  for (const [k, value] of embedding.tokens.data.entries()) expect(moment.tokens.data[k]).toBeCloseTo(value, 5);
});
