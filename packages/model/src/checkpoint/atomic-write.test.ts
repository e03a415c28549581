import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeAtomically } from "./atomic-write.js";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-atomic-"));
  path = join(folder, "file");
});
afterAll(() => rm(folder, { recursive: true }));

describe("writeAtomically", () => {
  it("joins the pieces and replaces what was there", async () => {
    await writeFile(path, "much longer than what follows");
    await writeAtomically(path, [Buffer.from("one "), Buffer.from("two")]);
    expect(await readFile(path, "utf8")).toBe("one two");
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("leaves the old file and nothing else when a write fails half way", async () => {
    await writeFile(path, "kept");
    const bad = 7 as unknown as Uint8Array;
    await expect(writeAtomically(path, [Buffer.from("half"), bad])).rejects.toThrow();
    expect(await readFile(path, "utf8")).toBe("kept");
    expect(await readdir(folder)).toEqual(["file"]);
  });
});
