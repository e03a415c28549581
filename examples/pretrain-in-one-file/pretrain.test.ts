import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { loadModel, presets } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import { expect, it, vi } from "vitest";

it("is at most 80 lines, goes from videos to a checkpoint, and lowers the loss", async () => {
  const text = await readFile(new URL("pretrain.mjs", import.meta.url), "utf8");
  expect(text.split("\n").length).toBeLessThanOrEqual(81);

  const folder = await mkdtemp(join(tmpdir(), "kdc-one-file-"));
  const videos = join(folder, "videos");
  const file = join(folder, "model.safetensors");
  const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
  await makeSet({ directory: videos, ffmpeg, counts: { train: 32 }, seed: 3 });
  const said: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => {
    said.push(line);
  });
  const before = process.argv;
  process.argv = [...before.slice(0, 2), videos, "4", file];
  await import("./pretrain.mjs").finally(() => {
    process.argv = before;
    vi.restoreAllMocks();
  });

  const losses = said.flatMap((line) => /^epoch \d+: ([\d.]+)$/.exec(line)?.slice(1).map(Number) ?? []);
  expect(said[0]).toBe("32 clips, left out: {}");
  expect(losses).toHaveLength(4);
  expect(losses[3]).toBeLessThan(losses[0]);
  const { params } = loadModel(presets.tiny, (await readCheckpoint(file)).tensors);
  expect(params.encoder).toBeDefined();
  await rm(folder, { recursive: true });
}, 240_000);
