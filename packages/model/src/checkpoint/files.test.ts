import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, float32, int32 } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { presets } from "../config.js";
import { initModel } from "../init.js";
import { readCheckpoint, saveCheckpoint, writeTensors } from "./files.js";
import { loadModel } from "./load.js";
import { safetensorsChunks } from "./safetensors.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

const tensors = { "optimizer.m": float32([3], Float32Array.of(1, 2, 3)), step: int32([], Int32Array.of(9)) };

describe("writeTensors and readCheckpoint", () => {
  it("keep names, shapes, numbers and metadata", async () => {
    const path = join(folder, "state.safetensors");
    await writeTensors(path, tensors, { epoch: "4" });
    expect(await readCheckpoint(path)).toEqual({ tensors, metadata: { epoch: "4" } });
  });

  it("replace a file whole and leave nothing beside it", async () => {
    const path = join(folder, "replaced.safetensors");
    await writeFile(path, "an older and much longer file".repeat(1000));
    await writeTensors(path, tensors);
    expect((await readCheckpoint(path)).tensors).toEqual(tensors);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("go by what is in a file: a header of 19,280 bytes begins as a zip archive does", async () => {
    const path = join(folder, "pk.safetensors");
    const [, header] = safetensorsChunks(tensors, { pad: "" });
    const chunks = safetensorsChunks(tensors, { pad: "x".repeat(19_280 - header.byteLength) });
    expect(new TextDecoder().decode(chunks[0].subarray(0, 2))).toBe("PK");
    await writeFile(path, Buffer.concat(chunks));
    expect((await readCheckpoint(path)).tensors).toEqual(tensors);
  });

  it.each([
    ["<!DOCTYPE html><p>Sign in</p>", "it is a web page and no checkpoint. Fetch the file itself"],
    ["", "it is empty"],
  ])("say what a file is that is no checkpoint: %s", async (content, message) => {
    const path = join(folder, "page.pth");
    await writeFile(path, content);
    await expect(readCheckpoint(path)).rejects.toThrow(`${path}: ${message}`);
  });

  it("name the file when it is damaged or not there", async () => {
    const path = join(folder, "damaged.safetensors");
    await writeFile(path, "0123456789abcdef");
    await expect(readCheckpoint(path)).rejects.toThrow(`${path}: the header claims`);
    await expect(readCheckpoint(join(folder, "nothing"))).rejects.toThrow(
      /nothing: it cannot be read: ENOENT.*Check the path/,
    );
  });
});

describe("saveCheckpoint", () => {
  it("keeps a model and the config it needs", async () => {
    const config = { ...presets.tiny, embedDim: 20, heads: 5, decoderDim: 12, decoderHeads: 3 };
    const params = initModel(config, createRng(1));
    const path = join(folder, "model.safetensors");
    await saveCheckpoint(path, config, params, { metadata: { note: "tiny" } });
    const { tensors, metadata } = await readCheckpoint(path);
    expect(metadata.note).toBe("tiny");
    expect(loadModel(JSON.parse(metadata.config), tensors).params).toEqual(params);
  });
});
