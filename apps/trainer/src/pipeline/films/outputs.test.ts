import { join } from "node:path";
import { expect, it } from "vitest";
import { outputsFor } from "./outputs.js";

const naming = { option: "--out", ending: ".mp4", mark: ".heat" };
const namesOf = (files: readonly string[]) => files.map((_, index) => outputsFor(files, "to", naming)(index));

it("names each file of its own, whatever the files are called", () => {
  expect(namesOf(["a/dog.mp4", "b/dog.mp4", "c/dog-2.mp4", "d/dog.mkv"])).toEqual(
    ["dog", "dog-3", "dog-2", "dog-4"].map((name) => join("to", `${name}.heat.mp4`)),
  );
  expect(namesOf(["a/Dog.mp4", "b/dog.mp4"])).toEqual(["Dog", "dog-2"].map((name) => join("to", `${name}.heat.mp4`)));
});

it("refuses the name of another kind of file, which would become a folder", () => {
  const refused = () => outputsFor(["a.mp4"], "over.txt", naming);
  expect(refused).toThrow(
    "--out over.txt: it ends with .txt, and mp4 is written. Give a name that ends with .mp4, or a folder: over.txt/",
  );
  for (const folder of ["over.txt/", "films.v2", "2026.11", "../films", "films"]) {
    expect(outputsFor(["a.mp4"], folder, naming)(0)).toBe(join(folder, "a.heat.mp4"));
  }
});

it("names the option in an error", () => {
  const several = () => outputsFor(["a.mp4", "b.mp4"], "out.wav", { option: "--sound", ending: ".wav" });
  expect(several).toThrow(/--sound out\.wav: there are 2 files, and this names one to write/);
});
