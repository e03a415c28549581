import { describe, expect, it } from "vitest";
import { errorParts, isKdcError, KdcError } from "./error.js";

describe("KdcError", () => {
  it("reads as where, what and what to do", () => {
    const error = new KdcError({ where: "decode cat.mp4", what: "no audio track", remedy: "Leave it out" });
    expect(error.message).toBe("decode cat.mp4: no audio track. Leave it out");
    expect(error.reason).toBe("error");
  });

  it("crosses as its parts and says the same again", () => {
    const error = new KdcError({ where: "a", what: "b", remedy: "c", reason: "d", cause: new Error("e") });
    expect(errorParts(error)).toEqual({ where: "a", what: "b", remedy: "c", reason: "d" });
    const again = new KdcError(structuredClone(errorParts(error)));
    expect([again.message, again.reason]).toEqual([error.message, error.reason]);
  });

  it("is recognised by its marker and nothing else is", () => {
    expect(isKdcError(new KdcError({ where: "a", what: "b", remedy: "c" }))).toBe(true);
    expect(isKdcError(new Error("a"))).toBe(false);
    expect(isKdcError(null)).toBe(false);
  });
});
