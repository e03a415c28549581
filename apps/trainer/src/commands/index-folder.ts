import { type Command, Option } from "commander";
import type { DecoderChoice } from "../pipeline/corpus/open-decoder.js";
import { readAssume } from "../pipeline/run/assume.js";
import { type IndexedFolder, indexFolder } from "../pipeline/search/index-folder.js";
import { inTime } from "../pipeline/search/moments.js";
import type { StoreKind } from "../pipeline/search/open-store.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
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

type IndexOptions = EngineChoice &
  AssumeChoice &
  DecoderChoice &
  WindowChoice & {
    readonly model: string;
    readonly index: string;
    readonly store?: StoreKind;
    readonly json?: true;
  };

/** Where an index is kept by default. */
export const defaultIndex = "runs/index";

/** Adds `kdc-mae index`. */
export function addIndexCommand(program: Command): void {
  const command = program
    .command("index")
    .description("embed a folder of films, sounds and pictures, to be searched; run again, it adds what is new")
    .argument("<folder>", "taken with all folders below it")
    .option("--model <file>", modelWords, "runs/demo/model.safetensors")
    .option("--index <where>", "a folder, or an object store for LanceDB: s3://bucket/clips", defaultIndex)
    .addOption(
      new Option("--store <kind>", "how a new index is kept (default: plain; lancedb for an address)").choices([
        "plain",
        "lancedb",
      ]),
    )
    .option("--json", "print what changed as JSON")
    .addHelpText(
      "after",
      "\nFilms are looked at window by window over their whole length. A file is known by its path, size and time of change: new and\n" +
        "changed ones are embedded, vanished ones are taken out; stopped in a film, the next run goes on in it.\n" +
        "\nExample:\n  kdc-mae index videos --model runs/demo/model.safetensors --index runs/videos-index\n",
    );
  withEngineOptions(withWindows(withDecoderOption(withAssume(command)))).action(
    (folder: string, options: IndexOptions) => atTerminal((around) => run(folder, options, around)),
  );
}

async function run(folder: string, options: IndexOptions, around: Surroundings): Promise<void> {
  expectModelFile("index", options.model);
  const { model, index, store, decoder, window, hop } = options;
  const done = await indexFolder(folder, {
    ...{ ...around, model, index, store, decoder, window, hop, modules: [process.cwd()], execute: executeFor(options) },
    assume: await readAssume(options.assume),
  });
  if (options.json) print(`${JSON.stringify(done, null, 2)}\n`);
  else say(done);
}

function say({ index, store, clips, files, passedBy, ...change }: IndexedFolder): void {
  for (const { message, from } of change.leftOut) {
    remark(`left out${from === undefined ? "" : ` from ${inTime(from)} on`}: ${message}\n`);
  }
  for (const file of change.removed.slice(0, 20)) remark(`gone from the folder, taken out: ${file}\n`);
  const reasons = new Map<string, number>();
  for (const { reason } of change.leftOut) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const counted = [...reasons].map(([reason, count]) => `${reason} ${count}`).join(", ");
  const out = change.leftOut.length;
  const passed = Object.entries(passedBy).map(([name, count]) => `${count} × ${name}`);
  print(
    [
      `${change.added} new, ${change.changed} changed, ${change.unchanged} as before, ${change.removed.length} gone` +
        (change.resumed > 0 ? `, ${change.resumed} gone on with` : ""),
      `left out: ${out === 0 ? "none" : `${out} (${counted})`}`,
      ...(passed.length === 0 ? [] : [`not media by their names: ${passed.join(", ")}`]),
      `index: ${files} files, ${clips} clips in ${index} (${store})`,
      "",
    ].join("\n"),
  );
}
