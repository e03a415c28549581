import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isKdcError } from "@kdc-mae/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFluentDecoder } from "./ffmpeg.js";
import { createBatchDecoder, createPipesDecoder } from "./ffmpeg-pipes.js";
import { ffmpeg, makeFilm, makeSilentFilm, makeWebPage } from "./make-media.test.support.js";

let folder = "";
const at = (name: string) => join(folder, name);
const request = { sampleRate: 16000, frames: { count: 2, limit: 10 }, size: 16 };
const decodeAll = (decoder: ReturnType<typeof createBatchDecoder>, names: readonly string[]) =>
  Promise.all(
    names.map((name) =>
      decoder.decode({ id: name, path: at(name), labels: [] }, request).then(
        ({ frames, waveform }) => ({ frames, waveform }),
        (error) => (isKdcError(error) ? error.reason : String(error)),
      ),
    ),
  );

/** An ffmpeg that writes down how often it is started and on how many files, and does something first. */
async function watched(name: string, first: string): Promise<string> {
  const text = `#!/bin/sh\necho "$*" | grep -o -- ' -i ' | wc -l >> '${at(`${name}.log`)}'\n${first}\nexec '${ffmpeg}' "$@"\n`;
  await writeFile(at(name), text);
  await chmod(at(name), 0o755);
  return at(name);
}
const starts = async (name: string) => (await readFile(at(`${name}.log`), "utf8")).trim().split(/\s+/).map(Number);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-crew-"));
  await makeFilm(at("a.mp4"), 1);
  for (const name of ["b", "c", "d", "e", "hostile"]) await copyFile(at("a.mp4"), at(`${name}.mp4`));
  await makeSilentFilm(at("silent.mp4"));
  await makeWebPage(at("page.mp4"));
});
afterAll(() => rm(folder, { recursive: true }));

it.skipIf(process.platform === "win32")("decodes many clips in few processes, as one by one", async () => {
  const names = ["a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"];
  const program = await watched("plain", "");
  const together = await decodeAll(createBatchDecoder(program, { processes: 1 }), names);
  // A look and a decode of each; how they come together depends on the moment.
  const files = await starts("plain");
  expect(files.reduce((sum, count) => sum + count, 0)).toBe(10);
  expect(files.length).toBeLessThan(7);
  expect(together).toEqual(await decodeAll(createPipesDecoder(ffmpeg), names));
});

it.skipIf(process.platform === "win32")(
  "a file that cannot be opened, or has no sound, costs no other clip",
  async () => {
    const names = ["a.mp4", "page.mp4", "b.mp4", "silent.mp4", "nowhere.mp4", "c.mp4"];
    const program = await watched("mixed", "");
    const found = await decodeAll(createBatchDecoder(program, { processes: 1 }), names);
    expect(found.map((one) => (typeof one === "string" ? one : "decoded"))).toEqual([
      ...["decoded", "not-media", "decoded", "no-audio", "missing", "decoded"],
    ]);
    expect(found[2]).toEqual((await decodeAll(createPipesDecoder(ffmpeg), ["b.mp4"]))[0]);
  },
);

it.skipIf(process.platform === "win32").each([
  ["crashes", "kill -SEGV $$", "crashed"],
  ["hangs", "exec sleep 60", "timeout"],
  ["is killed", "kill -KILL $$", "killed"],
])(
  "a file on which ffmpeg %s costs that file alone",
  async (name, act, reason) => {
    const program = await watched(name.replace(" ", "-"), `case "$*" in *hostile*) ${act};; esac`);
    const decoder = createBatchDecoder(program, { processes: 2, timeoutMs: 4000 });
    const found = await decodeAll(decoder, ["a.mp4", "hostile.mp4", "c.mp4"]);
    expect(found.map((one) => (typeof one === "string" ? one : "decoded"))).toEqual([
      ...["decoded", reason, "decoded"],
    ]);
  },
  60_000,
);

it("is stopped by a signal, each of its clips", async () => {
  const stop = new AbortController();
  const decoder = createBatchDecoder(ffmpeg, { processes: 1 });
  const work = ["a.mp4", "b.mp4"].map((name) =>
    decoder
      .decode({ id: name, path: at(name), labels: [] }, { ...request, signal: stop.signal })
      .catch((error) => error.reason),
  );
  stop.abort();
  expect(await Promise.all(work)).toEqual(["aborted", "aborted"]);
});

it.skipIf(process.platform === "win32")(
  "fluent-ffmpeg loses no clip whose program ends late, as on a busy machine",
  async () => {
    const endingLate = async (name: string, ending: string) => {
      const text = `#!/bin/sh\n'${ffmpeg}' "$@"\ncode=$?\nexec 1>&-\nsleep 0.3\n${ending}\nexit $code\n`;
      await writeFile(at(name), text);
      await chmod(at(name), 0o755);
      return createFluentDecoder(at(name));
    };
    const [late] = await decodeAll(await endingLate("late", ""), ["a.mp4"]);
    expect(late).toEqual((await decodeAll(createPipesDecoder(ffmpeg), ["a.mp4"]))[0]);
    // One that says at its end that it failed has failed, however late that is.
    const failing = await endingLate("failing", 'case "$*" in *ppm*) exit 1;; esac');
    expect(await decodeAll(failing, ["a.mp4"])).toEqual(["undecodable"]);
  },
);
