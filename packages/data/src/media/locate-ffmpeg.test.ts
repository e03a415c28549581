import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
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

it.skipIf(process.platform === "win32")("passes over what is no ffmpeg, saying why", async () => {
  const found = await locateFfmpeg({ env: { FFMPEG_PATH: join(folder, "impostor"), PATH: folder } });
  expect(found.source).toBe("PATH");
  expect(found.passedOver).toEqual([
    `FFMPEG_PATH: ${join(folder, "impostor")} does not answer to -version as ffmpeg does`,
  ]);
});

it("falls back to the program in the npm package", async () => {
  const found = await locateFfmpeg({ env: { FFMPEG_PATH: join(folder, "nothing"), PATH: "" } });
  expect(found.source).toBe("@ffmpeg-installer/ffmpeg");
  expect(found.passedOver).toHaveLength(2);
  expect(found.passedOver[0]).toContain("ENOENT");
});
