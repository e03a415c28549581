import { beginFile, expectWritableFile } from "@kdc-mae/core/node";
import type { Command } from "commander";
import { embedFiles, embedFileWindows, expectFiles } from "../pipeline/embed/embed-each-file.js";
import type { Vectors } from "../pipeline/embed/embedder.js";
import { ranksOf } from "../pipeline/surroundings.js";
import { type AtTerminal, atRanks } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { type ModelOnMedia, modelOnMedia, withModelOnMedia } from "./model-on-media.js";
import { modelWords, type WindowChoice, withWindows } from "./options.js";

type EmbedOptions = ModelOnMedia & WindowChoice & { readonly out?: string; readonly each?: true };

/** Adds `kdc-mae embed`. */
export function addEmbedCommand(program: Command): void {
  const command = program
    .command("embed")
    .description(
      "embed films, sound files and pictures: one JSON line per file with its audio, visual and joint vectors",
    )
    .argument("<files...>", "films, silent or not, sound files and pictures; each gets a vector for what it has")
    .option("--model <file>", modelWords, "runs/demo/model.safetensors")
    .option("--out <file>", "write the lines to a file instead of stdout")
    .option("--each", "one line per window, with its start and end in seconds, instead of means over them")
    .addHelpText(
      "after",
      "\nA file is looked at window by window over its whole length, however long that is.\n" +
        "\nExamples:\n  kdc-mae embed cat.mp4 bark.wav dog.jpg --out embeddings.jsonl\n" +
        "  kdc-mae embed lecture.mp4 --each --hop 5 --out lecture.jsonl\n",
    );
  withModelOnMedia(withWindows(command)).action((files: readonly string[], options: EmbedOptions) =>
    atRanks((around) => run(files, options, around)),
  );
}

async function run(files: readonly string[], options: EmbedOptions, around: AtTerminal): Promise<void> {
  const { window, hop, each, out } = options;
  // Before the model is asked for: a folder is another command's, whatever there is of a model.
  expectFiles(files);
  const asked = { ...around, ...(await modelOnMedia("embed", options)), window, hop };
  // Of several ranks the first writes; all are told everything.
  const isWriter = ranksOf(around).rank === 0;
  if (out !== undefined && isWriter) await expectWritableFile(out);
  const file = out === undefined || !isWriter ? undefined : await beginFile(out);
  const write = async (line: unknown) => {
    if (!isWriter) return;
    const text = `${JSON.stringify(line)}\n`;
    await (file ? file.write(Buffer.from(text)) : print(text));
  };
  try {
    const embedded = each
      ? await embedFileWindows(files, {
          ...asked,
          onWindow: ({ index, start, end, file: path, ...vectors }) =>
            write({ file: path, window: index, start, end, ...inLists(vectors) }),
        })
      : await embedFiles(files, {
          ...asked,
          onFile: ({ file: path, windows, of, leftOut, ...vectors }) =>
            write({ file: path, windows, of, leftOut, ...inLists(vectors) }),
        });
    await file?.finish();
    around.onNote?.(`embedded ${embedded.files.length} of ${files.length} files`);
    if (embedded.leftOut.length > 0) process.exitCode = 1;
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

const inLists = ({ audio, visual, joint }: Vectors) => ({
  ...(audio ? { audio: [...audio] } : {}),
  ...(visual ? { visual: [...visual] } : {}),
  ...(joint ? { joint: [...joint] } : {}),
});
