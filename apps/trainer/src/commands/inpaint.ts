import { resolve } from "node:path";
import { alignedTable, numberText } from "@kdc-mae/eval/report";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { HoleError } from "../pipeline/films/fill-window.js";
import { type Hole, holeInWords, structures } from "../pipeline/films/hole.js";
import { type InpaintedFile, inpaint } from "../pipeline/films/inpaint-files.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { type ModelOnMedia, modelOnMedia, withModelOnMedia } from "./model-on-media.js";
import { anyWholeNumber, many, modelWords, positiveNumber, properShare, readWith } from "./options.js";

type InpaintCommandOptions = ModelOnMedia & {
  readonly hide?: number;
  readonly structure?: Hole["structure"];
  readonly time?: Hole["time"];
  readonly rectangle?: Hole["rectangle"];
  readonly seed?: number;
  readonly denormalize?: true;
  readonly every: number;
  readonly out?: string;
  readonly sound?: string;
  readonly pictures?: string;
  readonly json?: true;
};

const numbersOf = (text: string, separator: string | RegExp, count: number, words: string): number[] => {
  const numbers = text.split(separator).map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (numbers.length === count && numbers.every((value) => Number.isFinite(value) && value >= 0)) return numbers;
  throw new InvalidArgumentError(words);
};

const timeOf = (text: string): Hole["time"] => {
  const [from, to] = numbersOf(text, "-", 2, "It must be two times in seconds, as 2.5-3.5.");
  return [from, to];
};

const rectangleOf = (text: string): Hole["rectangle"] => {
  const [x, y, width, height] = numbersOf(
    text,
    ",",
    4,
    "It must be left edge, top edge, width and height in pixels, as 40,20,64,48.",
  );
  return { x, y, width, height };
};

/** Adds `kdc-mae inpaint`. */
export function addInpaintCommand(program: Command): void {
  const command = program
    .command("inpaint")
    .description("hide a part of a film, and let a pretrained model fill it in from the rest")
    .argument("<files...>", "films with sound and pictures")
    .option("--model <file>", `a pretrained model: ${modelWords}`, "runs/demo/model.safetensors")
    .option("--hide <share>", "hide this share of the patches of sound and picture (default: 0.75)", properShare)
    .addOption(
      new Option("--structure <kind>", "how the share of the sound is hidden (default: random)").choices([
        ...structures,
      ]),
    )
    .option("--time <from-to>", "hide the sound between two times, seconds into the film: 2.5-3.5", timeOf)
    .option("--rectangle <x,y,width,height>", "hide a part of the picture, in pixels of the film", rectangleOf)
    .option("--seed <n>", "seed of what is hidden (default: that of the model's experiment)", anyWholeNumber)
    .option("--denormalize", "bring predictions of normalised patches back with the hidden patches' true statistics")
    .option("--every <seconds>", "time between two pictures of a film", positiveNumber, 0.5)
    .option("--out <file or folder>", "write a film: as it was, with its hole, filled, and the filled sound")
    .option("--sound <file or folder>", "write the filled sound: a wav, or a folder")
    .option("--pictures <folder>", "write a PNG of every window")
    .option("--json", "print one JSON line per file")
    .addHelpText(
      "after",
      "\nExamples:\n  kdc-mae inpaint dog.mp4 --hide 0.75 --structure time --out filled.mp4\n" +
        "  kdc-mae inpaint dog.mp4 --time 1-1.5 --sound filled.wav\n" +
        "  kdc-mae inpaint dog.mp4 --rectangle 20,20,40,40 --pictures filled\n",
    );
  readWith<InpaintCommandOptions>(command, [
    {
      options: ["every"],
      when: ({ out }) => out !== undefined,
      what: "only a film uses it",
      remedy: "Add --out, or leave it out",
    },
    {
      options: ["seed"],
      when: ({ time, rectangle }) => time === undefined && rectangle === undefined,
      what: "nothing is drawn where a time or a rectangle says what is hidden",
      remedy: "Leave it out, or give --hide",
    },
  ]);
  withModelOnMedia(command).action((files: readonly string[], options: InpaintCommandOptions) =>
    atTerminal((around) => run(files, options, around)),
  );
}

function asTable({ file, hole, audio, visual, windows, leftOut, borrowed, film, sound }: InpaintedFile): string {
  const row = (name: string, error: HoleError | undefined) =>
    error === undefined ? [] : [[name, numberText(error.mse, "error"), numberText(error.meanFill, "error")]];
  const left = leftOut === 0 ? "" : `, ${leftOut} without sound or pictures left out`;
  const notes = [
    ...(borrowed.length === 0
      ? []
      : [`the ${borrowed.join(" and ")} patches were given their true mean and deviation`]),
    ...(film === undefined ? [] : [`film: ${resolve(film)}`]),
    ...(sound === undefined ? [] : [`sound: ${resolve(sound)}`]),
  ];
  const table = alignedTable([
    ["hidden", "squared error", "mean fill"],
    ...row("sound", audio),
    ...row("picture", visual),
  ]);
  const count = `${many(windows.length, "window")}${left}`;
  return `${file} (${holeInWords(hole)}; ${count})\n${[table, ...notes].join("\n")}\n\n`;
}

async function run(files: readonly string[], options: InpaintCommandOptions, around: Surroundings): Promise<void> {
  const { hide: share, structure, time, rectangle, seed, denormalize, every, json } = options;
  const { out, sound, pictures } = options;
  const { leftOut } = await inpaint(files, {
    ...(await modelOnMedia("inpaint", options)),
    ...{ ...around, hole: { share, structure, time, rectangle }, seed, denormalize, every, out, sound, pictures },
    onFile: (result) => print(json ? `${JSON.stringify(result)}\n` : asTable(result)),
  });
  if (leftOut.length > 0) process.exitCode = 1;
}
