import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { locateFfmpeg } from "./locate-ffmpeg.js";

let folder = "";
const program = async (name: string, output: string) => {
  await writeFile(join(folder, name), `#!/bin/sh\necho "${output}"\n`);
  await chmod(join(folder, name), 0o755);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-locate-"));
  await program("mine", "ffmpeg version 9.9 Copyright");
  await program("ffmpeg", "ffmpeg version 8.8 Copyright");
  await program("impostor", "hello");
});
afterAll(() => rm(folder, { recursive: true }));

it.skipIf(process.platform === "win32")("prefers FFMPEG_PATH, then PATH", async () => {
  const both = { FFMPEG_PATH: join(folder, "mine"), PATH: folder };
  expect(await locateFfmpeg({ env: both })).toMatchObject({ source: "FFMPEG_PATH", version: "9.9", passedOver: [] });
  const found = await locateFfmpeg({ env: { PATH: folder } });
  expect(found).toMatchObject({ source: "PATH", version: "8.8", path: join(folder, "ffmpeg") });
});

it.skipIf(process.platform === "win32")("passes over what is no ffmpeg on PATH, saying why", async () => {
  const other = join(folder, "other");
  await mkdir(other);
  await program("other/ffmpeg", "hello");
  const found = await locateFfmpeg({ env: { PATH: other } });
  expect(found.source).toBe("@ffmpeg-installer/ffmpeg");
  expect(found.licence).toBe("GPL 3 or later");
  expect(found.passedOver).toEqual([`PATH: ${join(other, "ffmpeg")} does not answer to -version as ffmpeg does`]);
});

it("takes no other program where the one that FFMPEG_PATH names does not run", async () => {
  for (const name of ["nothing", "impostor"]) {
    const work = locateFfmpeg({ env: { FFMPEG_PATH: join(folder, name), PATH: folder } });
    await expect(work).rejects.toMatchObject({ reason: "no-ffmpeg", where: `FFMPEG_PATH=${join(folder, name)}` });
  }
});

it.skipIf(process.platform === "win32")(
  "asks a program that is killed again, and never takes another for it",
  async () => {
    const killed = async (name: string, times: number) => {
      await mkdir(join(folder, name));
      const count = join(folder, name, "asked");
      const text = `#!/bin/sh\necho x >> '${count}'\n[ $(wc -l < '${count}') -le ${times} ] && kill -9 $$\necho "ffmpeg version 8.8"\n`;
      await writeFile(join(folder, name, "ffmpeg"), text);
      await chmod(join(folder, name, "ffmpeg"), 0o755);
      // The tests' own PATH comes after, for wc.
      return locateFfmpeg({ env: { PATH: join(folder, name) } });
    };
    expect(await killed("thrice", 3)).toMatchObject({ source: "PATH", version: "8.8" });
    await expect(killed("always", 99)).rejects.toMatchObject({ reason: "killed" });
  },
);

it("falls back to the program in the npm package", async () => {
  const found = await locateFfmpeg({ env: { PATH: "" } });
  expect(found.source).toBe("@ffmpeg-installer/ffmpeg");
  expect(found.passedOver).toHaveLength(1);
});
