import { describe, expect, it } from "vitest";
import { findProtocol, printProtocol, varyProtocol } from "./protocol.js";
import { protocols } from "./protocols.js";

describe("protocols", () => {
  it("have names of their own and a definition for every metric", () => {
    expect(new Set(protocols.map(({ name }) => name)).size).toBe(protocols.length);
    for (const protocol of protocols) expect(Object.keys(protocol.metrics).length).toBeGreaterThan(0);
  });

  it("print every line they hold", () => {
    for (const protocol of protocols) {
      const text = printProtocol(protocol);
      const parts = [protocol.name, protocol.frames, protocol.mode, protocol.pooling, protocol.gallery];
      for (const part of [...parts, ...protocol.notes, ...Object.values(protocol.metrics)])
        expect(text).toContain(part);
    }
  });

  it("vary by adding notes and metrics", () => {
    const base = findProtocol(protocols, "retrieval-middle-frame");
    const varied = varyProtocol(base, { name: "mine", notes: ["longer clips"], metrics: { r50: "rank below 50" } });
    expect(varied.notes).toEqual([...base.notes, "longer clips"]);
    expect(Object.keys(varied.metrics)).toEqual([...Object.keys(base.metrics), "r50"]);
    expect(varied.frames).toBe(base.frames);
  });

  it("names the protocols there are for an unknown one", () => {
    expect(() => findProtocol(protocols, "vgg")).toThrow(
      'findProtocol: there is no protocol named "vgg". Use one of classification-middle-frame, classification-10-frames',
    );
  });
});
