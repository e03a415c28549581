import { clockText } from "@kdc-mae/eval/report";
import { type Command, Option } from "commander";
import { type IndexedFolder, indexFolder } from "../pipeline/search/index-folder.js";
import { defaultIndex, type StoreKind } from "../pipeline/search/open-store.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atRanks } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import { type ModelOnMedia, modelOnMedia, withModelOnMedia } from "./model-on-media.js";
import { many, modelWords, type WindowChoice, withWindows } from "./options.js";

type IndexOptions = ModelOnMedia &
  WindowChoice & {
    readonly index: string;
    readonly store?: StoreKind;
    readonly json?: true;
  };

/** Adds `kdc-mae index`. */
export function addIndexCommand(program: Command): void {
  const command = program
    .command("index")
    .description("embed a folder of films, sounds and pictures, to be searched; run again, it adds what is new")
    .argument("<folder>", "a folder; those below it are included")
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
        "changed ones are embedded, deleted ones are taken out; a run that is stopped within a film goes on there when started again.\n" +
        "\nExample:\n  kdc-mae index videos --model runs/demo/model.safetensors --index runs/videos-index\n",
    );
  withModelOnMedia(withWindows(command)).action((folder: string, options: IndexOptions) =>
    atRanks((around) => run(folder, options, around)),
  );
}

async function run(folder: string, options: IndexOptions, around: Surroundings): Promise<void> {
  const { index, store, window, hop } = options;
  const done = await indexFolder(folder, {
    ...(await modelOnMedia("index", options)),
    ...{ ...around, index, store, window, hop, modules: [process.cwd()] },
  });
  if (options.json) print(`${JSON.stringify(done, null, 2)}\n`);
  else say(done);
}

function say({ index, store, clips, files, passedBy, ...change }: IndexedFolder): void {
  for (const { message, from } of change.leftOut) {
    remark(`left out${from === undefined ? "" : ` from ${clockText(from)} on`}: ${message}\n`);
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
      `index: ${many(files, "file")}, ${many(clips, "clip")} in ${index} (${store})`,
      "",
    ].join("\n"),
  );
}
