import { resolve } from "node:path";
import { alignedTable, clockText } from "@kdc-mae/eval/report";
import type { Command } from "commander";
import { type LocalizedFile, localize } from "../pipeline/films/localize-files.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { type ModelOnMedia, modelOnMedia, withModelOnMedia } from "./model-on-media.js";
import { atLeastOne, modelWords, positiveNumber, readWith } from "./options.js";

type LocalizeCommandOptions = ModelOnMedia & {
  readonly query?: string;
  readonly every: number;
  readonly out?: string;
  readonly pictures?: string;
  readonly size: number;
  readonly json?: true;
};

/** Adds `kdc-mae localize`. */
export function addLocalizeCommand(program: Command): void {
  const command = program
    .command("localize")
    .description("point at what sounds: where in the picture a sound is seen, moment by moment")
    .argument("<files...>", "films; with --query also silent ones and pictures")
    .option("--model <file>", modelWords, "runs/demo/model.safetensors")
    .option("--query <file>", "look for the whole sound of this file instead of each film's own")
    .option("--every <seconds>", "time between two moments", positiveNumber, 0.5)
    .option("--out <file or folder>", "write the film with the heat over it and its own sound: an mp4, or a folder")
    .option("--pictures <folder>", "write a PNG of every moment")
    .option("--size <pixels>", "shorter side of what is written, at most the film's own", atLeastOne, 480)
    .option("--json", "print one JSON line per file, with the region of every moment")
    .addHelpText(
      "after",
      "\nExamples:\n  kdc-mae localize dog.mp4 --out overlay.mp4\n" +
        "  kdc-mae localize street.mp4 --query bark.wav --pictures where --json\n",
    );
  readWith<LocalizeCommandOptions>(command, [
    {
      options: ["size"],
      when: ({ out, pictures }) => out !== undefined || pictures !== undefined,
      what: "only what is written uses it",
      remedy: "Add --out or --pictures, or leave it out",
    },
  ]);
  withModelOnMedia(command).action((files: readonly string[], options: LocalizeCommandOptions) =>
    atTerminal((around) => run(files, options, around)),
  );
}

const place = ({ x, y }: { readonly x: number; readonly y: number }) => `${Math.round(x)},${Math.round(y)}`;

function asTable({ file, query, size, steps, film }: LocalizedFile): string {
  const head = `${file} (${size.width} × ${size.height}, ${query === undefined ? "its own sound" : query})`;
  const rows = steps.map(({ time, confidence, peak, region }) => [
    clockText(time),
    place(peak),
    `${place(region)}, ${Math.round(region.width)} × ${Math.round(region.height)}`,
    confidence.toFixed(3),
  ]);
  const table = alignedTable([["when", "hottest", "region", "cosine"], ...rows]);
  return `${head}\n${table}\n${film === undefined ? "" : `film: ${resolve(film)}\n`}\n`;
}

async function run(files: readonly string[], options: LocalizeCommandOptions, around: Surroundings): Promise<void> {
  const { query, every, out, pictures, size, json } = options;
  const { leftOut } = await localize(files, {
    ...(await modelOnMedia("localize", options)),
    ...{ ...around, query, every, out, pictures, size },
    onFile: (result) => print(json ? `${JSON.stringify(result)}\n` : asTable(result)),
  });
  if (leftOut.length > 0) process.exitCode = 1;
}
