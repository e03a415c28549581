import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Frame } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { locateFfmpeg } from "../media/locate-ffmpeg.js";
import { decodePicture } from "../visual/encode-picture.js";
import { runFfmpeg } from "./ffmpeg-run.js";
import { overlayFilm, putSoundUnder, writeFilm } from "./write-film.js";

const { path: found } = await locateFfmpeg({ env: process.env });
const { path: packaged } = await locateFfmpeg({ env: {} });
const programs = [...new Set([found, packaged])];

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-film-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Mean colour of a part of a picture, given in shares of its sides. */
function colourOf({ width, height, data }: Frame, [left, top, right, bottom]: readonly number[]): number[] {
  const sums = [0, 0, 0];
  let count = 0;
  for (let y = Math.ceil(top * height); y < bottom * height; y++) {
    for (let x = Math.ceil(left * width); x < right * width; x++) {
      for (const c of sums.keys()) sums[c] += data[3 * (y * width + x) + c];
      count++;
    }
  }
  return sums.map((sum) => Math.round(sum / count));
}

/** A square that is clear but for one quarter, which is red and opaque. */
const layer = (quarter: number): Uint8Array => {
  const data = new Uint8Array(8 * 8 * 4);
  for (let place = 0; place < 64; place++) {
    const [x, y] = [place % 8, Math.floor(place / 8)];
    if ((y < 4 ? 0 : 2) + (x < 4 ? 0 : 1) === quarter) data.set([255, 0, 0, 255], 4 * place);
  }
  return data;
};

describe.each(programs)("with %s", (ffmpeg) => {
  const decoder = createPipesDecoder(ffmpeg);

  it("says what the disk says where it takes no film", async () => {
    const pictures = { width: 8, height: 8, rate: 1, pieces: [new Uint8Array(192)] };
    const path = at("nowhere/film.mp4");
    const refused = { where: `write ${path}`, reason: "missing" };
    await expect(writeFilm({ ffmpeg, pictures, path })).rejects.toMatchObject(refused);
  });

  it("lays pictures over the middle square, each at its time, over the film's own sound", async () => {
    const film = at("grey's %d film.mkv");
    await runFfmpeg({
      ffmpeg,
      args: [
        ...["-v", "error", "-y", "-f", "lavfi", "-i", "color=c=gray:s=160x90:r=10:d=4"],
        ...["-f", "lavfi", "-i", "sine=frequency=700:duration=4", "-shortest", "-c:v", "mpeg4", "-c:a", "aac", film],
      ],
    });
    const quarters = [0, 3, 1, 2];
    const { video, audio } = await decoder.probe(film);
    await overlayFilm({
      ...{ ffmpeg, film, video: video!, audio, size: 90, path: at("over.mp4"), stills: at("still-%06d.png") },
      layers: { width: 8, height: 8, rate: 1, pieces: quarters.map(layer) },
    });
    const shown = await decoder.decodePictures(
      { id: "x", path: at("over.mp4"), labels: [] },
      { times: [0.5, 1.5, 2.5, 3.5] },
    );
    const stills = await Promise.all(
      [0, 1, 2, 3].map(async (n) => decodePicture(await readFile(at(`still-00000${n}.png`)), "still")),
    );
    expect((await readdir(folder)).filter((name) => /still|tmp/.test(name))).toHaveLength(4);
    for (const frames of [shown, stills]) {
      for (const [time, frame] of frames.entries()) {
        expect([frame.width, frame.height]).toEqual([160, 90]);
        // The square is the middle 90 of 160 pixels: from 0.22 to 0.78 of the width.
        for (const quarter of [0, 1, 2, 3]) {
          const [x, y] = [quarter % 2, Math.floor(quarter / 2)];
          const [red, green] = colourOf(frame, [0.26 + 0.28 * x, 0.1 + 0.5 * y, 0.45 + 0.28 * x, 0.4 + 0.5 * y]);
          expect([time, quarter, red - green > 150]).toEqual([time, quarter, quarter === quarters[time]]);
        }
        const [red, green] = colourOf(frame, [0, 0, 0.2, 1]);
        expect(Math.abs(red - green)).toBeLessThan(8);
      }
    }
    const [before, after] = await Promise.all(
      [film, at("over.mp4")].map((path) => decoder.decodeSound({ id: "x", path, labels: [] }, { sampleRate: 16_000 })),
    );
    expect(Math.abs(after.samples.length - before.samples.length)).toBeLessThan(1600);
    const loud = (samples: Float32Array) =>
      Math.sqrt(samples.reduce((sum, value) => sum + value ** 2, 0) / samples.length);
    expect(loud(after.samples) / loud(before.samples)).toBeCloseTo(1, 1);
  });

  it("writes pictures as they are drawn, and puts samples under them", async () => {
    async function* pieces() {
      for (const value of [0, 200]) {
        for (let n = 0; n < 10; n++) yield new Uint8Array(32 * 16 * 3).fill(value);
      }
    }
    await writeFilm({ ffmpeg, pictures: { width: 32, height: 16, rate: 10, pieces: pieces() }, path: at("mute.mp4") });
    const samples = Int16Array.from({ length: 32_000 }, (_, n) => 8000 * Math.sin((2 * Math.PI * 500 * n) / 16_000));
    await writeFile(at("samples"), new Uint8Array(samples.buffer));
    await putSoundUnder({
      ffmpeg,
      film: at("mute.mp4"),
      sound: at("samples"),
      sampleRate: 16_000,
      path: at("loud.mp4"),
    });
    const item = { id: "x", path: at("loud.mp4"), labels: [] };
    const clip = await decoder.decode(item, { sampleRate: 16_000, frames: { times: [0.5, 1.5] } });
    expect(clip.frames.map(({ data }) => Math.abs(data[0] - 0) < 20)).toEqual([true, false]);
    expect(Math.abs(clip.frames[1].data[0] - 200)).toBeLessThan(20);
    expect(clip.seconds).toBeCloseTo(2, 1);
    const peak = clip.waveform.samples.reduce((most, value) => Math.max(most, value), 0);
    expect(peak).toBeCloseTo(8000 / 32768, 1);
  });

  it("what fails while drawing is told, and leaves nothing", async () => {
    function* pieces() {
      yield new Uint8Array(32 * 16 * 3);
      throw new Error("drawn wrong");
    }
    const pictures = { width: 32, height: 16, rate: 10, pieces: pieces() };
    await expect(writeFilm({ ffmpeg, pictures, path: at("never.mp4") })).rejects.toThrow("drawn wrong");
    expect((await readdir(folder)).filter((name) => name.startsWith("never"))).toEqual([]);
    const film = at("missing.mkv");
    await expect(
      overlayFilm({
        ...{ ffmpeg, film, video: { width: 160, height: 90, track: 0 }, size: 90, path: at("never.mp4") },
        layers: { width: 8, height: 8, rate: 1, pieces: Array.from({ length: 4000 }, () => layer(0)) },
      }),
    ).rejects.toThrow(/ended with code \d+: .*No such file/s);
  });
});
