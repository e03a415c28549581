import { describe, expect, it } from "vitest";
import { crc32, crc32ByTable } from "./crc32.js";

describe("crc32", () => {
  it("is what zip calls it, by Node's and by the table", () => {
    const text = new TextEncoder().encode("123456789");
    expect([crc32(text), crc32ByTable(text)]).toEqual([0xcbf43926, 0xcbf43926]);
  });
});
