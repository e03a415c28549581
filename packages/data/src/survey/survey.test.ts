import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openManifest } from "../manifest/read-manifest.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { ffmpeg, makeFilm, makeMedia, makeSilentFilm, makeWebPage } from "../media/make-media.test.support.js";
import { type Problem, survey } from "./survey.js";

let root = "";
const at = (name: string) => join(root, name);
const film = (name: string, picture: string, sound: string) =>
  makeMedia(
    at(name),
    "-f",
    "lavfi",
    "-i",
    `${picture}${picture.includes("=") ? ":" : "="}s=94x62:r=25:d=1.5`,
    "-f",
    "lavfi",
    "-i",
    sound,
    "-t",
    "1.5",
    "-c:v",
    "libx264",
    "-pix_fmt",
    "yuv420p",
  );
const tone = "sine=f=440:r=16000";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-survey-"));
  await makeFilm(at("good.mp4"), 1.5);
  await copyFile(at("good.mp4"), at("again.mp4"));
  await makeMedia(at("again.mov"), "-i", at("good.mp4"), "-c", "copy");
  await film("mute.mp4", "testsrc", "aevalsrc=0:s=16000");
  await film("night.mp4", "color=c=black", tone);
  await film("still.mp4", "smptebars", tone);
  await makeFilm(at("blink.mp4"), 0.3);
  await makeSilentFilm(at("no-sound.mp4"));
  await makeMedia(at("song.m4a"), "-f", "lavfi", "-i", tone, "-t", "1");
  await makeWebPage(at("page.mp4"));
  await symlink(process.execPath, at("link.mp4"));
});
afterAll(() => rm(root, { recursive: true }));

it("names what is wrong with every item, and writes a manifest of the rest", async () => {
  const items: [name: string, reason: string | undefined, labels?: string[]][] = [
    ["good.mp4", undefined],
    ["again.mp4", "duplicate"],
    ["mute.mp4", "silent"],
    ["night.mp4", "black"],
    ["still.mp4", "frozen"],
    ["blink.mp4", "too-short"],
    ["no-sound.mp4", "no-audio"],
    ["song.m4a", "no-video"],
    ["page.mp4", "undecodable"],
    ["gone.mp4", "missing"],
    ["link.mp4", "refused"],
    ["again.mov", "label-unknown", ["cat", "dgo"]],
    ["good.mp4", "label-unknown", []],
  ];
  const lines = items.map(([path, , labels], index) =>
    JSON.stringify({ id: `${index}`, path, labels: labels ?? ["cat"], split: "train" }),
  );
  await writeFile(at("list.jsonl"), lines.join("\n"));
  const problems: Problem[] = [];
  const result = await survey({
    manifest: await openManifest(at("list.jsonl")),
    ...{ decoder: createPipesDecoder(ffmpeg), workers: 2, cleaned: at("clean.jsonl"), requireLabels: true },
    classes: { names: ["cat", "dog"], nameOf: new Map() },
    onProblem: (problem) => problems.push(problem),
  });
  expect(problems.map(({ item, reason }) => [item.path.slice(root.length + 1), reason])).toEqual(
    items.filter(([, reason]) => reason).map(([path, reason]) => [path, reason]),
  );
  expect(problems.find(({ reason }) => reason === "duplicate")?.message).toBe("it sounds and looks exactly like 0");
  expect(problems.find(({ reason }) => reason === "undecodable")?.detail).toBe("not-media");
  expect(result).toMatchObject({ total: 13, usable: 1, splits: { train: 1 }, labels: { cat: 1 } });
  expect(result.reasons).toMatchObject({ missing: 1, frozen: 1, "label-unknown": 2 });
  expect(await readFile(at("clean.jsonl"), "utf8")).toBe(
    `${lines[0].replace(/,"path":"good.mp4"/, ',"path":"good.mp4"')}\n`,
  );
});

it("a piece of the same sound and pictures in another container is a duplicate", async () => {
  await writeFile(
    at("twins.jsonl"),
    '{"path":"good.mp4","start":0.2,"end":1}\n{"path":"again.mov","start":0.2,"end":1}\n',
  );
  const { reasons } = await survey({
    manifest: await openManifest(at("twins.jsonl")),
    decoder: createPipesDecoder(ffmpeg),
    workers: 2,
  });
  expect(reasons.duplicate).toBe(1);
});

it("looks at nothing rather than at none: without a number of workers it is refused", async () => {
  const manifest = await openManifest(at("list.jsonl"));
  const options = { manifest, decoder: createPipesDecoder(ffmpeg) } as unknown as Parameters<typeof survey>[0];
  await expect(survey(options)).rejects.toThrow("survey: workers is undefined. Give a whole number of 1 or more");
});

it("stops when told to and leaves no half manifest", async () => {
  const manifest = await openManifest(at("list.jsonl"));
  const decoder = createPipesDecoder(ffmpeg);
  const work = survey({ manifest, decoder, workers: 2, cleaned: at("none.jsonl"), signal: AbortSignal.abort() });
  await expect(work).rejects.toMatchObject({ reason: "aborted" });
  await expect(readFile(at("none.jsonl"))).rejects.toThrow("ENOENT");
});
