import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, isKdcError } from "@kdc-mae/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openShards } from "../loader/open-shards.js";
import { readShards } from "../loader/read-shards.js";
import { clipCount, frontEnd, writeSmallSet } from "../loader/small-set.test.support.js";
import { seal, unseal } from "./sealed-json.js";
import { measuredBySplit, openShardSet } from "./shard-set.js";
import { verifyShards } from "./verify-shards.js";

let root = "";
let sound = "";
let damaged = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kdc-mae-damaged-"));
  [sound, damaged] = [join(root, "sound"), join(root, "damaged")];
  await writeSmallSet(sound);
});
afterAll(() => rm(root, { recursive: true }));

/** What a set says and holds, as far as reading it takes. */
const contentOf = async (folder: string) => {
  const set = await openShardSet(folder);
  await set.close();
  const shards = set.shards.map(({ source, samples, sha256 }) => [source.name.slice(folder.length), samples, sha256]);
  return JSON.stringify([shards, set.logMel, set.quarantined, await measuredBySplit(folder)]);
};

describe("a prepared set that was changed", () => {
  it.each(["dataset.json", "shard-000002.json"])("%s: a changed byte is named, or changes no value", async (name) => {
    const whole = await contentOf(sound);
    const bytes = await readFile(join(sound, name));
    const rng = createRng(name);
    await cp(sound, damaged, { recursive: true });
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const copy = Buffer.from(bytes);
      const at = rng.integer(copy.length);
      if (round % 3 === 0) copy[at] ^= 1 << rng.integer(8);
      else if (round % 3 === 1) copy[at] = rng.integer(256);
      const mutant = round % 3 === 2 ? copy.subarray(0, at) : copy;
      await writeFile(join(damaged, name), mutant);
      const read = await contentOf(damaged).catch((error) => error);
      if (typeof read === "string") expect(read).toBe(whole);
      else {
        refused++;
        expect([isKdcError(read), read.where, read.reason]).toEqual([true, join(damaged, name), "bad-set"]);
      }
    }
    expect(refused).toBeGreaterThan(270);
    await writeFile(join(damaged, name), bytes);
  });

  it.each([
    ["<html><title>Not found</title></html>", "it is a web page and not JSON"],
    ["", "it is damaged or cut short"],
    ["[]", "it is not a JSON object"],
    ["{}", "it lists no shards"],
    ['{"shards":7}', "it lists no shards"],
    ['{"shards":[{"tar":"../x.tar"}]}', "shards[0].tar does not name a .tar file beside it"],
    ['{"shards":[{"tar":"/etc/x.tar"}]}', "shards[0].tar does not name"],
    ['{"shards":[{"tar":"a\\\\b.tar"}]}', "shards[0].tar does not name"],
    ['{"shards":[{"tar":7}]}', "shards[0].tar does not name"],
    ['{"shards":[null]}', "shards[0].tar does not name"],
    ['{"shards":[],"logMel":{"mean":1,"std":0}}', "logMel does not give a mean"],
    ['{"shards":[],"logMel":"x"}', "logMel does not give a mean"],
    ['{"shards":[],"quarantined":{"a":-1}}', "quarantined is not a list of counts"],
  ])("dataset.json %s is refused in words", async (text, message) => {
    await cp(sound, damaged, { recursive: true });
    await writeFile(join(damaged, "dataset.json"), text);
    await expect(openShards(damaged, { batch: 4, frontEnd, seed: 1 })).rejects.toThrow(message);
    await expect(readShards(damaged)).rejects.toThrow(message);
    await cp(join(sound, "dataset.json"), join(damaged, "dataset.json"));
  });

  it("a record may not lead outside its shard, nor name what is no sample", async () => {
    await cp(sound, damaged, { recursive: true });
    const path = join(damaged, "shard-000001.json");
    const { samples, ...rest } = unseal(await readFile(path, "utf8"), path) as { samples: object[] };
    for (const change of [{ offset: -1 }, { bytes: 1e12 }, { labels: "a" }, { id: 7 }, { crc: "x" }, { key: null }]) {
      await writeFile(path, seal({ ...rest, samples: [{ ...samples[0], ...change }, ...samples.slice(1)] }));
      await expect(openShardSet(damaged)).rejects.toThrow("samples[0] is not a sample within the shard");
    }
    await cp(join(sound, "shard-000001.json"), path);
  });

  it("a changed byte of a sample never reaches a batch", async () => {
    await cp(sound, damaged, { recursive: true });
    const path = join(damaged, "shard-000003.tar");
    const bytes = await readFile(path);
    bytes[700] ^= 4;
    await writeFile(path, bytes);
    const loader = await openShards(damaged, { batch: 23, frontEnd, seed: 1, workers: 0 });
    const read = async () => {
      for await (const _ of loader.batches(0));
    };
    await expect(read()).rejects.toThrow("its bytes are not what was prepared");
    await loader.close();
    const reading = await readShards(damaged);
    const all = async () => {
      for await (const _ of reading.clips());
    };
    await expect(all()).rejects.toThrow("sample k15: its bytes are not what was prepared");
    await reading.close();
  });

  it("a changed byte between samples is found beside the work, and by verifyShards", async () => {
    await cp(sound, damaged, { recursive: true });
    const path = join(damaged, "shard-000000.tar");
    const bytes = await readFile(path);
    bytes[bytes.length - 1] ^= 4;
    await writeFile(path, bytes);
    expect(await verifyShards(sound)).toEqual({ shards: 5, checked: 5 });
    await expect(verifyShards(damaged)).rejects.toMatchObject({ where: path, reason: "bad-shard" });
    const loader = await openShards(damaged, { batch: 1, frontEnd, seed: 1, workers: 0 });
    const read = async () => {
      for (let epoch = 0; epoch < 200; epoch++) for await (const _ of loader.batches(epoch));
    };
    await expect(read()).rejects.toMatchObject({ where: path, reason: "bad-shard" });
    await loader.close();
  });

  it("sets of earlier versions, which say no checksums, are still read", async () => {
    await cp(sound, damaged, { recursive: true });
    for (const name of ["dataset.json", ...[0, 1, 2, 3, 4].map((shard) => `shard-00000${shard}.json`)]) {
      const { sum: _, ...value } = JSON.parse(await readFile(join(damaged, name), "utf8"));
      await writeFile(join(damaged, name), JSON.stringify(value).replace(/,"crc":\d+/g, ""));
    }
    const reading = await readShards(damaged);
    let count = 0;
    for await (const _ of reading.clips()) count++;
    await reading.close();
    expect([count, await contentOf(damaged)]).toEqual([clipCount, (await contentOf(sound)).replace(/,"crc":\d+/g, "")]);
  });
});
