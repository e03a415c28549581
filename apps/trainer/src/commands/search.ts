import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Stream } from "@kdc-mae/core";
import { expectWritableFile, fileError, writeWhole } from "@kdc-mae/core/node";
import { clockText, searchHtml } from "@kdc-mae/eval/report";
import { type Command, Option } from "commander";
import { defaultIndex, expectIndex } from "../pipeline/search/open-store.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import { type ModelOnMedia, modelOnMedia, withModelOnMedia } from "./model-on-media.js";
import { atLeastOne, expectModelFile, many } from "./options.js";

type SearchOptions = ModelOnMedia & {
  readonly index: string;
  readonly audio?: true;
  readonly visual?: true;
  readonly among?: Stream;
  readonly count: number;
  readonly json?: true;
  readonly html?: string;
};

const words = { audio: "sound", visual: "picture", joint: "sound beside a picture" } as const;

/** Adds `kdc-mae search`. */
export function addSearchCommand(program: Command): void {
  const command = program
    .command("search")
    .description(
      "find the moments of an index that are nearest to a file: to all of it, its sound alone, or its picture alone",
    )
    .argument("<file>", "a film, a sound file or a picture")
    .addOption(new Option("--audio", "search by the file's sound").conflicts("visual"))
    .option("--visual", "search by the file's picture")
    .addOption(
      new Option(
        "--among <stream>",
        "what it is compared with in the index (default: the same as is searched by)",
      ).choices(["audio", "visual"]),
    )
    .option("--model <file>", "the model the index was made with", "runs/demo/model.safetensors")
    .option("--index <where>", "what kdc-mae index made", defaultIndex)
    .option("--count <n>", "how many clips to list", atLeastOne, 10)
    .option("--json", "print the answer as JSON")
    .option("--html <file>", "write a page with players, which needs no network")
    .addHelpText(
      "after",
      "\nExamples:\n  kdc-mae search dog.mp4\n  kdc-mae search bark.wav --html found.html\n" +
        "  kdc-mae search dog.jpg --among audio    sounds for a picture\n",
    );
  withModelOnMedia(command).action((file: string, options: SearchOptions) =>
    untilInterrupted((signal) => run(file, options, signal)),
  );
}

async function run(file: string, options: SearchOptions, signal: AbortSignal): Promise<void> {
  const { index, among, count } = options;
  const by = options.audio ? "audio" : options.visual ? "visual" : undefined;
  if (options.html !== undefined) await expectWritableFile(options.html);
  expectModelFile("search", options.model);
  await stat(file).catch((error) => {
    throw fileError("read", file, error);
  });
  expectIndex(index);
  // With the engine, which takes a second.
  const { searchClips } = await import("../pipeline/search/search-clips.js");
  const answer = await searchClips(file, {
    ...(await modelOnMedia("search", options)),
    ...{ index, by, among, count, modules: [process.cwd()], env: process.env, signal },
    onNote: (note) => remark(`${note}\n`),
  });
  if (options.html !== undefined) {
    const { searchPage } = await import("../pipeline/search/search-page.js");
    await writeWhole(options.html, searchHtml(searchPage(answer, options.html)));
  }
  if (options.json) print(`${JSON.stringify({ index: options.index, ...answer }, null, 2)}\n`);
  else {
    for (const { place, cosine, path, start, end } of answer.found) {
      const time = end > 0 ? `  ${clockText(start)}–${clockText(end)}` : "";
      print(`${String(place).padStart(3)}  ${cosine.toFixed(4)}  ${path}${time}\n`);
    }
    if (answer.compared < answer.clips)
      remark(
        `${many(answer.clips - answer.compared, "clip has", "clips have")} no ${words[answer.among]} to compare\n`,
      );
    if (options.html !== undefined) print(`page: ${resolve(options.html)}\n`);
  }
}
