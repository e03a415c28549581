import { resolve } from "node:path";
import { withLock } from "@kdc-mae/core/node";
import { createPipesDecoder } from "@kdc-mae/data/node";
import { type Command, Option } from "commander";
import { findFfmpeg } from "../pipeline/corpus/splits.js";
import { createFileEmbedder } from "../pipeline/evaluate/embed-files.js";
import { readModel, type SavedModel } from "../pipeline/run/model-file.js";
import type { ClipStore, IndexAbout } from "../pipeline/search/clip-store.js";
import { expectModel, fingerprint } from "../pipeline/search/fingerprint.js";
import { isAddress, openStore, type StoreKind } from "../pipeline/search/open-store.js";
import { type Scan, scanFolder } from "../pipeline/search/scan-folder.js";
import { expectRoot, type IndexChange, updateIndex } from "../pipeline/search/update-index.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { startProgress } from "../terminal/progress.js";
import { type EngineChoice, executeFor, withEngineOptions } from "./engine-options.js";
import { expectModelFile } from "./options.js";

type IndexOptions = EngineChoice & {
  readonly model: string;
  readonly index: string;
  readonly store?: StoreKind;
  readonly json?: true;
};

/** Where an index is kept unless told. */
export const defaultIndex = "runs/index";

/** Adds `kdc-mae index`. */
export function addIndexCommand(program: Command): void {
  const command = program
    .command("index")
    .description("embed a folder of clips, to be searched by sound or picture; run again, it adds what is new")
    .argument("<folder>", "looked through with all folders below it")
    .option("--model <file>", "a model.safetensors that kdc-mae wrote", "runs/demo/model.safetensors")
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
      "\nA clip is its path, size and time of change: new and changed ones are embedded, vanished ones are taken out.\n" +
        "\nExample:\n  kdc-mae index videos --model runs/demo/model.safetensors --index runs/videos-index\n",
    );
  withEngineOptions(command).action((folder: string, options: IndexOptions) =>
    untilInterrupted((signal) => run(folder, options, signal)),
  );
}

async function run(folder: string, options: IndexOptions, signal: AbortSignal): Promise<void> {
  expectModelFile("index", options.model);
  const scan = await scanFolder(folder);
  const model = await readModel(options.model);
  const about = {
    format: 1 as const,
    root: resolve(folder),
    model: await fingerprint(options.model, model),
    width: model.config.embedDim,
  };
  const work = () => indexInto(folder, scan, model, about, options, signal);
  // An object store keeps its own order of changes.
  await (isAddress(options.index) ? work() : withLock(options.index, work));
}

async function indexInto(
  folder: string,
  scan: Scan,
  model: SavedModel,
  about: IndexAbout,
  options: IndexOptions,
  signal: AbortSignal,
): Promise<void> {
  const store = await openStore(options.index, { kind: options.store, fresh: about, folders: [process.cwd()] });
  expectModel(options.index, store.about, about.model);
  expectRoot(options.index, store.about, about.root);
  const embedder = await createFileEmbedder(
    model,
    executeFor(options),
    createPipesDecoder(await findFfmpeg({ env: process.env })),
  );
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    const change = await updateIndex({
      ...{ store, folder, scan, embedder, signal },
      clock: () => performance.now(),
      onProgress: (done, total) => {
        progress ??= startProgress("index", total, "clips");
        progress.update(done);
      },
    });
    progress?.stop();
    await say(options, store, scan, change);
  } finally {
    progress?.stop();
    await embedder.dispose();
  }
}

async function say(options: IndexOptions, store: ClipStore, scan: Scan, change: IndexChange): Promise<void> {
  const total = (await store.clips()).length;
  if (options.json) {
    const { root, model } = store.about;
    const record = { index: options.index, store: store.kind, folder: root, model, clips: total, ...change };
    process.stdout.write(`${JSON.stringify({ ...record, passedBy: scan.passedBy }, null, 2)}\n`);
    return;
  }
  for (const { message } of change.leftOut) process.stderr.write(`left out: ${message}\n`);
  for (const file of change.removed.slice(0, 20)) process.stderr.write(`gone from the folder, taken out: ${file}\n`);
  const reasons = new Map<string, number>();
  for (const { reason } of change.leftOut) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const counted = [...reasons].map(([reason, count]) => `${reason} ${count}`).join(", ");
  const out = change.leftOut.length;
  const passed = Object.entries(scan.passedBy).map(([name, count]) => `${count} × ${name}`);
  process.stdout.write(
    [
      `${change.added} new, ${change.changed} changed, ${change.unchanged} as before, ${change.removed.length} gone`,
      `left out: ${out === 0 ? "none" : `${out} (${counted})`}`,
      ...(passed.length === 0 ? [] : [`not films by their names: ${passed.join(", ")}`]),
      `index: ${total} clips in ${options.index} (${store.kind})`,
      "",
    ].join("\n"),
  );
}
