import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clip, type ClipItem, KdcError } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import type { Decoder, SoundDecoder } from "../media/decoder.js";
import { createPipesDecoder } from "../media/ffmpeg-pipes.js";
import { mediaError } from "../media/media-error.js";
import { encodePicture } from "../visual/encode-picture.js";
import { decodeAll } from "./decode-all.js";

const items = Array.from({ length: 11 }, (_, n): ClipItem => ({ id: `${n}`, path: `/clips/${n}.mp4`, labels: [] }));
const request = { sampleRate: 16000, frames: { times: [0] } };

/** A decoder of nothing, whose later clips come sooner and whose clips 3, 5 and 7 cannot be used. */
function scripted(watch: { now: number; most: number } = { now: 0, most: 0 }): Decoder & SoundDecoder {
  return {
    name: "scripted",
    probe: async () => ({ format: "none" }),
    decodeSound: async () => ({ samples: new Float32Array(16000), sampleRate: 16000 }),
    decode: async (item, { signal }): Promise<Clip> => {
      watch.most = Math.max(watch.most, ++watch.now);
      await new Promise((resolve) => setTimeout(resolve, 12 - Number(item.id)));
      watch.now--;
      if (signal?.aborted) throw mediaError(item.path, "aborted");
      if (["3", "7"].includes(item.id)) throw mediaError(item.path, "no-audio");
      if (item.id === "5") throw mediaError(item.path, "truncated");
      return { item, waveform: { samples: new Float32Array(1), sampleRate: 16000 }, frames: [] };
    },
  };
}

describe("decodeAll", () => {
  it("keeps the order, leaves out what cannot be used, counts reasons and tells how far it is", async () => {
    const watch = { now: 0, most: 0 };
    const told: number[][] = [];
    const { kept, leftOut, reasons } = await decodeAll(items, {
      ...{ decoder: scripted(watch), request, concurrency: 4 },
      keep: ({ item }) => item.id,
      onProgress: ({ done, total, leftOut: out }) => told.push([done, total, out]),
    });
    expect(kept).toEqual(["0", "1", "2", "4", "6", "8", "9", "10"]);
    expect(leftOut.map(({ item, error }) => [item.id, error.reason])).toEqual([
      ["3", "no-audio"],
      ["5", "truncated"],
      ["7", "no-audio"],
    ]);
    expect(reasons).toEqual({ "no-audio": 2, truncated: 1 });
    expect(watch.most).toBe(4);
    expect(told).toHaveLength(11);
    expect(told.at(-1)).toEqual([11, 11, 3]);
  });

  it.each<[object, string]>([
    [{ size: 0 }, "decoder ffmpeg-pipes: size is 0. Give a whole number of 1 or more"],
    [{ size: "original" }, 'size is "original"'],
    [{ sampleRate: 0 }, "sampleRate is 0"],
    [{ frames: { count: 0, limit: 10 } }, "frames.count is 0"],
    [{ frames: { times: [0, Number.NaN] } }, "frames.times holds NaN"],
    [{ frames: undefined }, "frames names no pictures"],
    [{ seconds: -1 }, "seconds is -1. Give a finite number of seconds above 0"],
  ])("refuses to ask for %o, and blames no file for it", async (odd, message) => {
    // Nothing is started before it is refused.
    const decoder = createPipesDecoder("/no/such/ffmpeg");
    const work = decodeAll(items, { decoder, request: { ...request, ...odd }, concurrency: 3, keep: () => 0 });
    await expect(work).rejects.toThrow(message);
  });

  it.each([undefined, 0, Number.NaN, 1.5])(
    "refuses to work on %s clips at once, which would be none",
    async (count) => {
      const work = decodeAll(items, { decoder: scripted(), request, concurrency: count as number, keep: () => 0 });
      await expect(work).rejects.toThrow(`decodeAll: concurrency is ${count}. Give a whole number of 1 or more`);
    },
  );

  it("stops on an error that is not the file's fault", async () => {
    const keep = () => {
      throw new KdcError({ where: "cutFrame", what: "wrong shape", remedy: "Mend the grid", reason: "shape" });
    };
    const work = decodeAll(items, { decoder: scripted(), request, concurrency: 3, keep });
    await expect(work).rejects.toThrow("cutFrame: wrong shape. Mend the grid");
  });

  it("stops when told to", async () => {
    const controller = new AbortController();
    const work = decodeAll(items, {
      ...{ decoder: scripted(), request, concurrency: 2, signal: controller.signal },
      keep: ({ item }) => item.id,
      onProgress: ({ done }) => done === 2 && controller.abort(),
    });
    await expect(work).rejects.toMatchObject({ reason: "aborted" });
  });

  it("gives an empty set for no items", async () => {
    const nothing = await decodeAll([], { decoder: scripted(), request, concurrency: 3, keep: () => 1 });
    expect(nothing).toEqual({ kept: [], leftOut: [], reasons: {} });
  });

  it("reads pictures that lie beside the sound, and follows no link out of the media root", async () => {
    const root = await mkdtemp(join(tmpdir(), "kdc-mae-decode-"));
    const elsewhere = await mkdtemp(join(tmpdir(), "kdc-mae-decode-"));
    const picture = await encodePicture(
      { width: 19, height: 17, data: new Uint8Array(19 * 17 * 3).fill(99), time: 0 },
      { kind: "jpeg", quality: 80 },
    );
    for (const frame of ["frame_0", "frame_1"]) {
      for (const name of ["a", "c"]) {
        await mkdir(join(root, frame), { recursive: true });
        await writeFile(join(root, frame, `${name}.jpg`), picture);
      }
    }
    await writeFile(join(elsewhere, "b.jpg"), picture);
    await writeFile(join(elsewhere, "c.mp4"), "x");
    await symlink(join(elsewhere, "b.jpg"), join(root, "frame_0", "b.jpg"));
    await symlink(join(elsewhere, "c.mp4"), join(root, "c.mp4"));
    const named = (name: string, file: string) => ({ id: name, path: join(root, file), labels: [] });
    const folders = (name: string) => ({ ...named(name, `${name}.wav`), pictures: { folder: root, name } });
    const list = [folders("a"), folders("b"), named("0", "c.mp4")];
    const work = { decoder: scripted(), request: { sampleRate: 16000, frames: { count: 10, limit: 10 }, size: 8 } };
    const keep = ({ frames, original }: Clip) => [frames.length, frames[0]?.width, original?.width];
    const { kept, leftOut } = await decodeAll(list, { ...work, concurrency: 2, keep, media: { root } });
    expect(kept).toEqual([[2, 8, 19]]);
    expect(leftOut.map(({ item, error }) => [item.id, error.reason])).toEqual([
      ["b", "outside-root"],
      ["0", "outside-root"],
    ]);
    const free = await decodeAll(list, { ...work, concurrency: 2, keep, media: { root, allowOutside: true } });
    expect(free.kept).toHaveLength(3);
    for (const folder of [root, elsewhere]) await rm(folder, { recursive: true });
  });
});
