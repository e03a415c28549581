import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
import { createPipesDecoder, locateFfmpeg, makeSet } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { createFileEmbedder, type FileEmbedder } from "../pipeline/embed/embed-files.js";
import { withChanges } from "../pipeline/experiment/change.js";
import { checkExperiment } from "../pipeline/experiment/check.js";
import { named } from "../pipeline/experiment/named.js";
import { configFor } from "../pipeline/run/model-file.js";
import { readModel } from "../pipeline/run/read-saved.js";
import { saveModel } from "../pipeline/run/save-model.js";
import { addIndexCommand } from "./index-folder.js";
import { addSearchCommand } from "./search.js";

const sizes = { embedDim: 24, heads: 4, modalityDepth: 1, decoderDim: 16, decoderHeads: 2, decoderDepth: 1 };
const experiment = checkExperiment(
  withChanges(named.demo, {
    name: "small-one",
    model: { audio: audioGrid(96, 32, 16), visual: visualGrid(48, 16), ...sizes },
  }),
  "test",
);
const config = configFor(experiment);
export const { path: ffmpeg } = await locateFfmpeg({ env: process.env });
export const make = (...args: string[]) => promisify(execFile)(ffmpeg, ["-v", "error", "-y", ...args]);

let folder = "";
export const at = (...names: string[]) => join(folder, ...names);
/** Embeds by the model at `model.safetensors`, once the tests have begun. */
export let embedder: FileEmbedder;

/** Makes two models, and a folder `clips` of five clips, a page called mp4 and a text. For the top of a file of tests. */
export function makeSearchGround(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kdc-mae-search-"));
    for (const [name, seed] of [
      ["model", 3],
      ["other", 4],
    ] as const) {
      const params = initModel(config, createRng(seed));
      await saveModel(at(`${name}.safetensors`), { config, params, statistics: { mean: -6, std: 4 }, experiment });
    }
    const counts = { train: 7, validation: 0, test: 0 };
    await makeSet({ directory: at("made"), ffmpeg, counts, seed: 5, options: { size: 64 } });
    await mkdir(at("clips", "deeper"), { recursive: true });
    for (const index of [0, 1, 2, 3, 4]) {
      await copyFile(
        at("made", "train", `train-0000${index}.mp4`),
        at("clips", index < 3 ? "" : "deeper", `${index}.mp4`),
      );
    }
    await writeFile(at("clips", "page.mp4"), "<html>gone</html>");
    await writeFile(at("clips", "notes.txt"), "notes");
    const model = await readModel(at("model.safetensors"));
    embedder = createFileEmbedder(model, compiled({}), createPipesDecoder(ffmpeg));
  });
  afterAll(async () => {
    await embedder.dispose();
    await rm(folder, { recursive: true });
  });
  afterEach(() => vi.restoreAllMocks());
}

/** Runs a command line; what it prints to stdout, and to stderr. */
export async function printed(...line: string[]): Promise<{ readonly out: string; readonly err: string }> {
  const program = new Command().exitOverride();
  addIndexCommand(program);
  addSearchCommand(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  const text = { out: "", err: "" };
  const into = (name: "out" | "err") => (piece: string | Uint8Array) => {
    text[name] += piece;
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(into("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(into("err"));
  const index = line.includes("--index") ? [] : ["--index", at("index")];
  await program.parseAsync([...line, ...index, "--threads", "1"], { from: "user" });
  return text;
}
export const model = () => ["--model", at("model.safetensors")];
