import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { isKdcError, KdcError } from "@kdc-mae/core";
import { beginFile, expectWritable } from "@kdc-mae/core/node";
import type { Command } from "commander";
import { type DecoderChoice, openDecoder } from "../pipeline/corpus/open-decoder.js";
import { createFileEmbedder } from "../pipeline/embed/embed-files.js";
import type { Vectors } from "../pipeline/embed/embedder.js";
import { readAssume } from "../pipeline/run/assume.js";
import { readEncoder } from "../pipeline/run/read-saved.js";
import { type AtTerminal, atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { type EngineChoice, executeFor, withEngineOptions } from "./engine-options.js";
import {
  type AssumeChoice,
  expectModelFile,
  modelWords,
  type WindowChoice,
  withAssume,
  withDecoderOption,
  withWindows,
} from "./options.js";

type EmbedOptions = EngineChoice &
  AssumeChoice &
  DecoderChoice &
  WindowChoice & { readonly model: string; readonly out?: string; readonly each?: true };

/** Files longer than this have a progress line of their own, seconds. */
const worthTelling = 120;

/** Adds `kdc-mae embed`. */
export function addEmbedCommand(program: Command): void {
  const command = program
    .command("embed")
    .description(
      "embed films, sound files and pictures: one JSON line per file with its audio, visual and joint vectors",
    )
    .argument("<files...>", "films, silent or not, sound files and pictures; each has the vectors it can have")
    .option("--model <file>", modelWords, "runs/demo/model.safetensors")
    .option("--out <file>", "write the lines to a file instead of stdout")
    .option("--each", "one line per window, with its start and end in seconds, instead of means over them")
    .addHelpText(
      "after",
      "\nA file is looked at window by window over its whole length, however long that is.\n" +
        "\nExamples:\n  kdc-mae embed cat.mp4 bark.wav dog.jpg --out embeddings.jsonl\n" +
        "  kdc-mae embed lecture.mp4 --each --hop 5 --out lecture.jsonl\n",
    );
  withEngineOptions(withWindows(withDecoderOption(withAssume(command)))).action(
    (files: readonly string[], options: EmbedOptions) => atTerminal((around) => run(files, options, around)),
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

async function run(files: readonly string[], options: EmbedOptions, around: AtTerminal): Promise<void> {
  expectFiles(files);
  expectModelFile("embed", options.model);
  const { signal, onNote, onProgress } = around;
  const { window, hop, each, out } = options;
  if (out !== undefined) await expectWritable(dirname(out));
  const model = await readEncoder(options.model, { assume: await readAssume(options.assume), onNote });
  const { decoder } = await openDecoder({ env: process.env }, options);
  const embedder = createFileEmbedder(model, executeFor(options), decoder);
  const file = out === undefined ? undefined : await beginFile(out);
  const write = async (line: unknown) => {
    const text = `${JSON.stringify(line)}\n`;
    await (file ? file.write(Buffer.from(text)) : print(text));
  };
  let done = 0;
  try {
    for (const path of files) {
      signal.throwIfAborted();
      const told = filmProgress(path, onProgress);
      const given = { window, hop, signal, onLength: told.onLength };
      try {
        if (each) {
          for await (const { index, start, end, ...vectors } of embedder.embedWindows(embedder.read(path, given))) {
            await write({ file: path, window: index, start, end, ...inLists(vectors) });
            told.reached(end);
          }
        } else {
          const { windows, of, leftOut, ...vectors } = await embedder.embed(path, { ...given, onWindow: told.reached });
          await write({ file: path, windows, of, leftOut, ...inLists(vectors) });
        }
        done += 1;
      } catch (error) {
        if (!isKdcError(error) || error.reason === "aborted" || error.reason === "option") throw error;
        onNote?.(`left out: ${error.message}`);
      }
    }
    await file?.finish();
  } catch (error) {
    await file?.discard();
    throw error;
  } finally {
    await embedder.dispose();
  }
  onNote?.(`embedded ${done} of ${files.length} files`);
  if (done < files.length) process.exitCode = 1;
}

const inLists = ({ audio, visual, joint }: Vectors) => ({
  ...(audio ? { audio: [...audio] } : {}),
  ...(visual ? { visual: [...visual] } : {}),
  ...(joint ? { joint: [...joint] } : {}),
});

/** Tells how far one long file is. */
function filmProgress(path: string, onProgress: AtTerminal["onProgress"]) {
  let length = 0;
  return {
    onLength(seconds: number) {
      length = seconds;
    },
    reached(seconds: number) {
      if (length < worthTelling) return;
      onProgress?.({ stage: basename(path), unit: "s", done: Math.round(seconds), total: Math.round(length) });
    },
  };
}
