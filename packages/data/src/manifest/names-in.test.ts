import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { namesIn } from "./names-in.js";

it("knows every name of a folder and hardly any other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-names-"));
  const names = Array.from({ length: 300 }, (_, n) => `clip-é ${n}_000030.mp4`);
  for (const name of names) await writeFile(join(folder, name), "");
  const { mayHold } = await namesIn(folder);
  expect(names.every(mayHold)).toBe(true);
  // A disk that takes capitals for small letters would have these too.
  expect(names.every((name) => mayHold(name.toUpperCase()))).toBe(true);
  const others = Array.from({ length: 100_000 }, (_, n) => `other ${n}_000030.mp4`);
  expect(others.filter(mayHold).length).toBeLessThan(5);
  await rm(folder, { recursive: true });
});

it("knows folders and what lies in them, three levels deep", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kdc-mae-names-"));
  await mkdir(join(folder, "train/dog/deep/deeper"), { recursive: true });
  await writeFile(join(folder, "train/dog/a.mp4"), "");
  const { mayHold, folders } = await namesIn(folder);
  expect([...folders]).toEqual(["", "train", "train/dog", "train/dog/deep"]);
  expect([mayHold("train/dog/a.mp4"), mayHold("dog/a.mp4"), mayHold("a.mp4")]).toEqual([true, false, false]);
  await rm(folder, { recursive: true });
});

it("says no to nothing where there is no folder", async () => {
  expect((await namesIn("/no/such/folder")).mayHold("a.mp4")).toBe(true);
});
