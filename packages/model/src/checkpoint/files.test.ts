import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, float32, int32, isKdcError } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { presets } from "../config.js";
import { initModel } from "../init.js";
import { readCheckpoint, saveCheckpoint, writeTensors } from "./files.js";
import { loadModel } from "./load.js";
import { parseSafetensors, safetensorsChunks } from "./safetensors.js";

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

  it("know every bit of a file again", async () => {
    const path = join(folder, "bits.safetensors");
    const notes = { notes: JSON.stringify({ step: 79, updates: 79 }) };
    await writeTensors(path, { m: tensors["optimizer.m"], step: tensors.step }, notes);
    const whole = await readFile(path);
    const harmless: number[] = [];
    for (let bit = 0; bit < 8 * whole.byteLength; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] ^= 1 << (bit & 7);
      await writeFile(path, flipped);
      const read = await readCheckpoint(path).catch((error) => error);
      if (isKdcError(read)) expect(read.where).toBe(path);
      else harmless.push(bit);
    }
    expect(harmless).toEqual([]);
    await writeFile(path, whole.toString("latin1").replace('step\\":79', 'step\\":83'), "latin1");
    await expect(readCheckpoint(path)).rejects.toThrow(
      "its content does not match its checksum: it was damaged or changed after it was written. Fetch or copy it again",
    );
  });

  it("take files of others, and their own with the tensors in another order", async () => {
    const path = join(folder, "foreign.safetensors");
    await writeFile(path, Buffer.concat(safetensorsChunks(tensors, { format: "pt", sha256: "of something else" })));
    expect((await readCheckpoint(path)).metadata).toEqual({ format: "pt", sha256: "of something else" });
    await writeTensors(path, tensors, { epoch: "4" });
    const { metadata } = parseSafetensors(await readFile(path));
    const turned = Object.fromEntries(Object.entries(tensors).reverse());
    const reversed = Object.fromEntries(Object.entries(metadata).reverse());
    await writeFile(path, Buffer.concat(safetensorsChunks(turned, reversed)));
    expect(await readCheckpoint(path)).toEqual({ tensors: turned, metadata: { epoch: "4" } });
  });

  it("keep the file before, if asked", async () => {
    const [path, before] = ["kept.safetensors", "kept.before.safetensors"].map((name) => join(folder, name));
    for (const epoch of ["1", "2", "3"]) await writeTensors(path, tensors, { epoch }, { before });
    expect((await readCheckpoint(path)).metadata).toEqual({ epoch: "3" });
    expect((await readCheckpoint(before)).metadata).toEqual({ epoch: "2" });
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
    ["<!DOCTYPE html><p>Sign in</p>", "it is a web page, not a checkpoint. Fetch the file itself"],
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
      /nothing: there is no such file or folder. Check the path/,
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
