import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { inErrorWords } from "./error-words.js";

const thrownBy = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (error) {
    return error;
  }
};

describe("inErrorWords", () => {
  it.each([
    ["a buffer that is too large", () => new ArrayBuffer(2 ** 52)],
    ["an array that is too large", () => new Float32Array(2 ** 50)],
    ["a string that is too long", () => Buffer.alloc(2 ** 29 + 24, "a").toString()],
    [
      "ONNX Runtime",
      () => {
        throw new Error("std::bad_alloc");
      },
    ],
    [
      "ONNX Runtime's arena",
      () => {
        throw new Error("BFCArena: Failed to allocate memory for requested buffer of size 9");
      },
    ],
  ])("names memory for %s", async (_, work) => {
    const error = await thrownBy(work);
    expect(error).toBeInstanceOf(Error);
    expect(inErrorWords(error)).toMatchObject({ name: "KdcError", reason: "memory", where: "memory" });
  });

  it("names the file for what a disk said", async () => {
    const error = await thrownBy(() => readFile("/nowhere/at/all"));
    expect(inErrorWords(error)).toMatchObject({ reason: "missing", where: "read /nowhere/at/all" });
    const near = inErrorWords(await thrownBy(() => readFile("nowhere/at all")));
    expect(String(near)).toContain(`Check the path, which stands for ${resolve("nowhere/at all")}`);
    const full = Object.assign(new Error("x"), { code: "ENOSPC", syscall: "write" });
    expect(inErrorWords(full)).toMatchObject({ reason: "disk-full" });
  });

  it("leaves its own words, a stop and the program's faults as they are", () => {
    const own = new KdcError({ where: "a", what: "b", remedy: "c" });
    const stop = Object.assign(new Error("stop"), { name: "AbortError" });
    const fault = new TypeError("x is not a function");
    expect([inErrorWords(own), inErrorWords(stop), inErrorWords(fault), inErrorWords(7)]).toEqual([
      own,
      stop,
      fault,
      7,
    ]);
  });
});
