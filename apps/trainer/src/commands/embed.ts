import { statSync } from "node:fs";
import { dirname } from "node:path";
import { isKdcError, KdcError } from "@kdc-mae/core";
import { expectWritable, writeWhole } from "@kdc-mae/core/node";
import type { Command } from "commander";
import { type DecoderChoice, openDecoder } from "../pipeline/corpus/open-decoder.js";
import { createFileEmbedder } from "../pipeline/evaluate/embed-files.js";
import { readAssume } from "../pipeline/run/assume.js";
import { readEncoder } from "../pipeline/run/read-saved.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import { type EngineChoice, executeFor, withEngineOptions } from "./engine-options.js";
import { type AssumeChoice, expectModelFile, modelWords, withAssume, withDecoderOption } from "./options.js";

type EmbedOptions = EngineChoice & AssumeChoice & DecoderChoice & { readonly model: string; readonly out?: string };

/** Adds `kdc-mae embed`. */
export function addEmbedCommand(program: Command): void {
  const command = program
    .command("embed")
    .description("embed media files: one JSON line per file with its audio, visual and joint vectors")
    .argument("<files...>", "media files with sound and picture")
    .option("--model <file>", modelWords, "runs/demo/model.safetensors")
    .option("--out <file>", "write the lines to a file instead of stdout")
    .addHelpText(
      "after",
      "\nA file longer than the model's clip is cut into windows side by side (first 10 s), whose embeddings are averaged.\n" +
        "\nExample:\n  kdc-mae embed cat.mp4 dog.mp4 --out embeddings.jsonl\n",
    );
  withEngineOptions(withDecoderOption(withAssume(command))).action((files: readonly string[], options: EmbedOptions) =>
    untilInterrupted((signal) => run(files, options, signal)),
  );
}

/** @throws KdcError (`usage`) for a folder, which another command takes */
function expectFiles(files: readonly string[]): void {
  const folder = files.find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (folder === undefined) return;
  throw new KdcError({
    where: "embed",
    what: `${folder} is a folder`,
    remedy: `Name the files in it, or embed and search all of it: kdc-mae index ${folder}`,
    reason: "usage",
  });
}

async function run(files: readonly string[], options: EmbedOptions, signal: AbortSignal): Promise<void> {
  expectFiles(files);
  expectModelFile("embed", options.model);
  if (options.out !== undefined) await expectWritable(dirname(options.out));
  const model = await readEncoder(options.model, {
    assume: await readAssume(options.assume),
    onNote: (note) => remark(`${note}\n`),
  });
  const embedder = await createFileEmbedder(
    model,
    executeFor(options),
    (await openDecoder({ env: process.env }, options)).decoder,
  );
  const lines: string[] = [];
  let failed = 0;
  try {
    for (const file of files) {
      signal.throwIfAborted();
      try {
        const { audio, visual, joint, windows, leftOut } = await embedder.embed(file, signal);
        lines.push(
          JSON.stringify({ file, windows, leftOut, audio: [...audio], visual: [...visual], joint: [...joint] }),
        );
        if (options.out === undefined) print(`${lines.at(-1)}\n`);
      } catch (error) {
        if (!isKdcError(error) || error.reason === "aborted") throw error;
        failed += 1;
        remark(`left out: ${error.message}\n`);
      }
    }
  } finally {
    await embedder.dispose();
  }
  if (options.out !== undefined) await writeWhole(options.out, lines.map((line) => `${line}\n`).join(""));
  remark(`embedded ${lines.length} of ${files.length} files\n`);
  if (failed > 0) process.exitCode = 1;
}
