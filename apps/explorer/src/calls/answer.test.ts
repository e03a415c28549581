import { expect, it } from "vitest";
import { inTurn } from "./answer.js";

it("does what is asked for one after another, whatever each takes", async () => {
  const begun: string[] = [];
  let open = "nothing";
  const gates = new Map<string, () => void>();
  const work = inTurn({
    async open(name: string) {
      begun.push(name);
      await new Promise<void>((resolve) => void gates.set(name, resolve));
      if (name === "broken") throw new Error("cannot be read");
      open = name;
      return open;
    },
    look: () => open,
  });
  const tell = () => undefined;
  const ask = (name: "open" | "look", input?: string) => (work[name] as (...given: unknown[]) => unknown)(input, tell);
  const asked = ["long", "broken", "short"].map((name) => ask("open", name));
  const ends = Promise.allSettled([...asked, ask("look")]);
  for (const name of ["long", "broken", "short"]) {
    await expect.poll(() => gates.has(name)).toBe(true);
    expect(begun.at(-1)).toBe(name);
    gates.get(name)!();
  }
  expect((await ends).map((end) => (end.status === "fulfilled" ? end.value : "refused"))).toEqual([
    ...["long", "refused", "short", "short"],
  ]);
});
