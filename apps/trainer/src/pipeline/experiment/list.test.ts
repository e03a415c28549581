import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadAblation } from "../ablate/load.js";
import { namedAblations } from "../ablate/named.js";
import { loadFineTuning, namedFineTunings } from "../finetune/named.js";
import { commandOf } from "./command-of.js";
import { experimentJsonSchema, listExperiments } from "./list.js";
import { loadExperiment } from "./load.js";
import { named } from "./named.js";

const folder = fileURLToPath(new URL("../../../../../experiments/", import.meta.url));

describe("experiments as files", () => {
  it("can be run, and are to the last key what ships under their name", async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith(".json"));
    expect(files.length).toBeGreaterThanOrEqual(6);
    for (const { name, kind, from, problem } of await listExperiments(folder)) {
      if (from === "shipped") continue;
      expect({ name, problem }).toEqual({ name, problem: undefined });
      const load = {
        pretrain: loadExperiment,
        finetune: loadFineTuning,
        ablate: async (file: string) => (await loadAblation(file)).ablation,
      }[kind];
      const own = await load(from);
      const ships = [named, namedFineTunings, namedAblations].some((all) => Object.hasOwn(all, name));
      if (ships) expect(own).toEqual(await load(name));
    }
  });

  it("give no figure that their page does not give", async () => {
    for (const { notes } of await listExperiments(folder)) {
      if (notes?.page === undefined) continue;
      const page = await readFile(join(folder, notes.page), "utf8");
      for (const value of Object.values(notes.measured ?? {})) {
        for (const [figure] of String(value).matchAll(/[\d.]+(?: %|–[\d.]+)/g)) expect(page).toContain(figure);
      }
    }
  });

  it("have the JSON schema that stands beside the trainer: kdc-mae experiments --schema writes it", async () => {
    const text = await readFile(new URL("../../../experiment.schema.json", import.meta.url), "utf8");
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(experimentJsonSchema())));
  });

  it("are listed with what is wrong in a file, and none where there is no folder", async () => {
    const made = await mkdtemp(join(tmpdir(), "kdc-list-"));
    await writeFile(join(made, "broken.json"), "{");
    await writeFile(join(made, "odd.json"), JSON.stringify({ base: "demo", run: { comand: "x" } }));
    const listed = (await listExperiments(made)).filter(({ from }) => from !== "shipped");
    expect(listed.map(({ name, problem }) => [name, problem?.slice(0, 12)])).toEqual([
      ["broken", expect.any(String)],
      ["odd", expect.stringContaining("run: ")],
    ]);
    await rm(made, { recursive: true });
    expect((await listExperiments(made)).every(({ from }) => from === "shipped")).toBe(true);
  });
});

it("says of a file that is no experiment what it is", async () => {
  const place = await mkdtemp(join(tmpdir(), "kdc-mae-no-experiment-"));
  try {
    for (const [name, text, what] of [
      ["", "", "it is a folder, not a file"],
      ["empty.json", " \n", "it is empty"],
      ["mine.yaml", "base: demo", "its name ends in none of .json, .ts,"],
      ["mine.mjs", "export const mine = {};", "it exports nothing as its default"],
    ]) {
      const path = name === "" ? `${place}/folder.json` : join(place, name);
      await (name === "" ? mkdir(path) : writeFile(path, text));
      await expect(loadExperiment(path)).rejects.toThrow(`experiment ${path}: the file cannot be read: ${what}`);
    }
    await expect(loadExperiment(place)).rejects.toThrow(
      `it is a folder, not a file. Give the file of an experiment, or its name; one that reads a list or a folder of clips takes it as --set data.path=${place}`,
    );
  } finally {
    await rm(place, { recursive: true });
  }
});

it("says of a name that another command takes which one does", async () => {
  const lists = { pretrain: named, finetune: namedFineTunings, ablate: namedAblations };
  for (const [command, list] of Object.entries(lists)) {
    for (const name of Object.keys(list)) expect([name, commandOf(name)]).toEqual([name, command]);
  }
  expect(commandOf("nosuch")).toBeUndefined();
  await expect(loadExperiment("vggsound")).rejects.toThrow('"vggsound" is for kdc-mae finetune. Use one of demo, ');
  await expect(loadFineTuning({ base: "demo" })).rejects.toThrow(
    '"demo" is for kdc-mae pretrain. Use one of demo-finet',
  );
  await expect(loadAblation("demo")).rejects.toThrow('"demo" is for kdc-mae pretrain. Use ablation-objectives');
});
