import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyData } from "./verify-data.js";

let folder = "";
const bytes = Buffer.alloc(3000, "some bytes of a shard");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-verify-"));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await writeFile(join(folder, "a.tar"), bytes);
  await writeFile(join(folder, "a.json"), JSON.stringify({ samples: [], bytes: bytes.length, sha256 }));
  await writeFile(join(folder, "dataset.json"), '{"format":1,"shards":[{"tar":"a.tar"}]}');
});
afterAll(() => rm(folder, { recursive: true }));

const shards = () => ({ kind: "shards", path: folder, workers: 1 }) as const;

describe("verifyData", () => {
  it("says how many shards match their checksums, each set looked at once", async () => {
    const notes: string[] = [];
    const told: number[] = [];
    await verifyData([shards(), undefined, shards()], {
      onNote: (note) => notes.push(note),
      onProgress: ({ done }) => told.push(done),
    });
    expect(told).toEqual([0, 1]);
    expect(notes).toEqual([`verify: 1 of 1 shards of ${folder} match their checksums`]);
  });

  it("names a shard that is not, before anything begins", async () => {
    await writeFile(join(folder, "a.tar"), Buffer.from(bytes.map((byte, at) => (at === 1500 ? byte ^ 1 : byte))));
    await expect(verifyData([shards()], {})).rejects.toMatchObject({
      reason: "bad-shard",
      where: join(folder, "a.tar"),
    });
    await writeFile(join(folder, "a.tar"), bytes);
  });

  it("is bad usage where no data are shards", async () => {
    const made = { kind: "synthetic", train: 1, validation: 1, test: 1 } as const;
    await expect(verifyData([made, undefined], {})).rejects.toMatchObject({ reason: "usage", where: "--verify" });
  });
});
