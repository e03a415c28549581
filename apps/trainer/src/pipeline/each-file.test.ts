import { errorParts, KdcError } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import { expect, it } from "vitest";
import { eachFile } from "./each-file.js";

const files = ["a.mp4", "b.mp4", "c.mp4"];

it("leaves out a file that cannot be used, and ends where what comes of any cannot be written", async () => {
  const told: number[] = [];
  const broken = new KdcError({ where: "a.mp4", what: "it is cut short", remedy: "Fetch it", reason: "truncated" });
  const around = { onProgress: ({ done }: { done: number }) => void told.push(done) };
  const found = await eachFile(files, "embed", around, async (file) => {
    if (file === "a.mp4") throw broken;
    return file;
  });
  expect(found).toEqual({
    files: ["b.mp4", "c.mp4"],
    leftOut: [{ file: "a.mp4", reason: "truncated", message: "a.mp4: it is cut short. Fetch it" }],
  });
  expect(told).toEqual([0, 1, 2, 3]);
  for (const code of ["EROFS", "EEXIST", "ENOTDIR", "ENOSPC"]) {
    let tried = 0;
    const all = eachFile(files, "embed", {}, async () => {
      tried += 1;
      throw fileError("write", "out", Object.assign(new Error(code), { code }));
    });
    await expect(all).rejects.toMatchObject({ where: "write out" });
    expect(tried).toBe(1);
  }
});

it("asks what an error came of, not what a file is called or which thread it was of", async () => {
  const named = new KdcError({
    where: "write a.mp4",
    what: "it is cut short",
    remedy: "Fetch it",
    reason: "truncated",
  });
  const files = ["write a.mp4", "b.mp4"];
  const work = (error: Error) => async (file: string) => {
    if (file === files[0]) throw error;
    return file;
  };
  expect((await eachFile(files, "embed", {}, work(named))).files).toEqual(["b.mp4"]);
  const full = fileError("write", "out", Object.assign(new Error("EROFS"), { code: "EROFS" }));
  const told = new KdcError(structuredClone(errorParts(full)));
  await expect(eachFile(files, "embed", {}, work(told))).rejects.toThrow("write out: the file system is read-only");
  const read = fileError("read", "write a.mp4", Object.assign(new Error("EACCES"), { code: "EACCES" }));
  expect((await eachFile(files, "embed", {}, work(read))).files).toEqual(["b.mp4"]);
});
