import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FloatTensor, float32 } from "@kdc-mae/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { restoreState, saveState } from "./state-file.js";

let folder: string;
let path: string;
let before: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-state-"));
  path = join(folder, "state.safetensors");
  before = join(folder, "state.before.safetensors");
});
afterEach(() => rm(folder, { recursive: true }));

const trees = (value: number): { params: { w: FloatTensor } } => ({
  params: { w: float32([3], Float32Array.of(value, value, value)) },
});
const save = (step: number) => saveState(path, trees(step), { step });

/** The step a folder goes on from, its first number, and what was said about it. */
async function restored() {
  const into = trees(0);
  const said: string[] = [];
  const notes = await restoreState(path, into, (note) => said.push(note));
  return { step: notes?.step, first: into.params.w.data[0], said };
}

const flip = async (file: string, at: (length: number) => number) => {
  const bytes = await readFile(file);
  bytes[at(bytes.length)] ^= 1;
  await writeFile(file, bytes);
};

describe("a run's state", () => {
  it("is nothing, then the last that was saved", async () => {
    expect(await restored()).toEqual({ step: undefined, first: 0, said: [] });
    await save(1);
    expect(await restored()).toEqual({ step: 1, first: 1, said: [] });
    await save(2);
    expect(await restored()).toEqual({ step: 2, first: 2, said: [] });
    expect((await readdir(folder)).sort()).toEqual(["state.before.safetensors", "state.safetensors"]);
  });

  it.each([
    ["a number", (file: string) => flip(file, (length) => length - 2)],
    [
      "a note",
      async (file: string) => {
        const text = await readFile(file, "latin1");
        await writeFile(file, text.replace('step\\":2', 'step\\":3'), "latin1");
      },
    ],
    ["its end", async (file: string) => writeFile(file, (await readFile(file)).subarray(0, -5))],
    ["everything", (file: string) => writeFile(file, "")],
  ])("is the one before where the last lost %s, and the next save keeps the good one", async (_, harm) => {
    await save(1);
    await save(2);
    await harm(path);
    const { step, first, said } = await restored();
    expect([step, first, said.length]).toEqual([1, 1, 1]);
    expect(said[0]).toMatch(
      /state\.safetensors: .+; the run goes on from the state before it \(.+\); the damaged one is now/,
    );
    expect((await readdir(folder)).sort()).toEqual(["state.before.safetensors", "state.damaged.safetensors"]);
    await save(3);
    expect(await restored()).toEqual({ step: 3, first: 3, said: [] });
    await flip(path, (length) => length - 2);
    expect((await restored()).step).toBe(1);
  });

  it("stays as it was where the arrays are said to have changed while they were written", async () => {
    await save(1);
    const changed = () => {
      throw new Error("changed");
    };
    await expect(saveState(path, trees(2), { step: 2 }, changed)).rejects.toThrow("changed");
    expect(await restored()).toEqual({ step: 1, first: 1, said: [] });
    expect(await readdir(folder)).toEqual(["state.safetensors"]);
  });

  it("is the one before where a kill came between two renames", async () => {
    await save(1);
    await rename(path, before);
    const { step, said } = await restored();
    expect(step).toBe(1);
    expect(said[0]).toContain("is not there: a save was cut short; the run goes on from the state before it");
  });

  it("is refused with what to do where both are damaged, and not taken apart further", async () => {
    await save(1);
    await save(2);
    for (const file of [path, before]) await flip(file, (length) => length - 2);
    await expect(restored()).rejects.toThrow(
      /nothing is left to go on from: .+state\.safetensors: .+; .+state\.before\.safetensors: .+\. Restore an intact copy if you have one; else delete these files/,
    );
    expect((await readdir(folder)).sort()).toEqual(["state.before.safetensors", "state.safetensors"]);
  });
});
