import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openManifest } from "../manifest/read-manifest.js";
import { prepare } from "../prepare/prepare.js";
import { survey } from "../survey/survey.js";
import { createPipesDecoder } from "./ffmpeg-pipes.js";
import { ffmpeg, makeFilm } from "./make-media.test.support.js";
import { beyondInWords } from "./seconds-beyond.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-beyond-"));
  await mkdir(join(root, "films"));
  await makeFilm(join(root, "films", "long.mp4"), 17);
  await makeFilm(join(root, "films", "usual.mp4"), 10);
});
afterAll(() => rm(root, { recursive: true }));

it("prepare and survey count the seconds they do not take, and say how to", async () => {
  const manifest = await openManifest(join(root, "films"));
  const decoder = createPipesDecoder(ffmpeg);
  const out = join(root, "set");
  const content = { frames: { count: 2, limit: 10 }, size: 32, pictures: { kind: "ppm" } as const };
  const { beyond } = await prepare({ ...{ manifest, out, decoder, workers: 1 }, content });
  expect(beyond.clips).toBe(1);
  expect(Math.abs(beyond.seconds - 6.7)).toBeLessThan(0.15);
  expect((await prepare({ ...{ manifest, out, decoder, workers: 1 }, content })).beyond).toEqual(beyond);
  const { beyond: surveyed } = await survey({ manifest, decoder, workers: 1 });
  expect(surveyed).toEqual(beyond);
  expect(beyondInWords(surveyed, 10.3)).toMatch(/^1 clip is longer than 10.3 s: 6.[67] s of it are not taken/);
  expect(beyondInWords({ clips: 0, seconds: 0 }, 10.3)).toBeUndefined();
});
