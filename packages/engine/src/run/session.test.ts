import { expect, it } from "vitest";
import { openHalves, type Session } from "./session.js";

it("gives the first half back where the second does not open, and the second where the first cannot be", async () => {
  const ended: string[] = [];
  const half = (name: string, wrong?: string): Session => ({
    run: async () => undefined,
    dispose: async () => {
      ended.push(name);
      if (wrong !== undefined) throw new Error(wrong);
    },
  });
  const both = { doors: [], first: "first", second: "second" };
  const unopened = openHalves(both, async (name) => {
    if (name === "second") throw new Error("too large");
    return half(name);
  });
  await expect(unopened).rejects.toThrow("too large");
  expect(ended).toEqual(["first"]);
  const opened = await openHalves(both, async (name) => half(name, name === "first" ? "is gone" : undefined));
  await expect(opened.dispose()).rejects.toThrow("is gone");
  expect(ended).toEqual(["first", "first", "second"]);
});
