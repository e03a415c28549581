import { copyFile, link, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { clipsOfBoth, fittedClips, type NamedClip } from "./clips-of-both.js";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-both-"));
  for (const name of ["a", "b", "c"]) await writeFile(at(`${name}.mp4`), `film ${name}`);
  await copyFile(at("a.mp4"), at("copy.mp4"));
  await link(at("a.mp4"), at("hard.mp4"));
  await symlink(at("a.mp4"), at("soft.mp4"));
});
afterAll(() => rm(folder, { recursive: true }));

const clip = (id: string, file?: string, start?: number, end?: number): NamedClip => ({
  id,
  ...(file === undefined ? {} : { path: at(`${file}.mp4`) }),
  ...(start === undefined ? {} : { start, end }),
});
const both = async (first: readonly NamedClip[], second: readonly NamedClip[]) => {
  const { same, alike } = await clipsOfBoth(first, second);
  return [same, alike].map((clips) => clips.map(({ id }) => id));
};

it.each(["a", "hard", "soft", "copy"])(
  "a file is itself under other names, as a link and as a copy: %s",
  async (file) => {
    expect(await both([clip("one", "a"), clip("two", "b")], [clip("x", file), clip("y", "c")])).toEqual([["x"], []]);
  },
);

it("files that differ are other clips, also where ids and lengths are the same", async () => {
  expect(await both([clip("dog/001", "a")], [clip("dog/001", "b")])).toEqual([[], []]);
});

it("another time of one film is another clip, a time that both have is not", async () => {
  const first = [clip("f 0", "a", 0, 10), clip("f 20", "a", 20, 30)];
  expect(await both(first, [clip("x", "soft", 10, 20), clip("y", "copy", 30, 40)])).toEqual([[], []]);
  expect(await both(first, [clip("x", "soft", 5, 15), clip("y", "copy")])).toEqual([["x", "y"], []]);
});

it("clips of one recording are near each other: another time of a file, and the same name in lists or shards", async () => {
  const near = async (first: readonly NamedClip[], second: readonly NamedClip[]) =>
    (await clipsOfBoth(first, second)).near.map(({ id }) => id);
  const first = [clip("f 0", "a", 0, 10), { ...clip("g", "b"), columns: { recording: "day 1" } }];
  const named = (id: string, recording: string) => ({ id, recording });
  expect(await near(first, [clip("x", "soft", 10, 20), clip("y", "c"), clip("f 0", "a", 3, 5)])).toEqual(["x"]);
  expect(await near(first, [named("x", "day 1"), named("y", "day 2"), named("z", "day 1")])).toEqual(["x", "z"]);
});

it("where there is no file the same id is suspected", async () => {
  expect(await both([clip("one"), clip("two")], [clip("two"), clip("three", "a")])).toEqual([[], ["two"]]);
  expect(await both([clip("one", "a")], [clip("one"), clip("two")])).toEqual([[], ["one"]]);
  expect(await both([clip("one")], [clip("one", "a"), clip("two", "b")])).toEqual([[], ["one"]]);
  expect(await both([clip("one", "gone")], [clip("one", "a")])).toEqual([[], ["one"]]);
});

it("data that are no longer there tell nothing", async () => {
  expect(await fittedClips({ kind: "manifest", path: at("none.csv") }, {})).toBeUndefined();
  expect(await fittedClips({ kind: "shards", path: at("none"), workers: 1 }, {})).toBeUndefined();
});
