import { resolve } from "node:path";
import { expectWritableFile, writeWhole } from "@kdc-mae/core/node";
import { alignedTable, clockText, labelsHtml, numberText } from "@kdc-mae/eval/report";
import { type Command, Option } from "commander";
import type { ScoredLabel } from "../pipeline/evaluate/predict.js";
import { type ClassifiedFile, classify } from "../pipeline/films/classify-files.js";
import { labelsPage, linkInWords, passesInWords, stretchesOf } from "../pipeline/films/labels-page.js";
import { ranksOf, type Surroundings } from "../pipeline/surroundings.js";
import { atRanks } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import { type ModelOnMedia, modelOnMedia, withModelOnMedia } from "./model-on-media.js";
import { atLeastOne, modelWords } from "./options.js";

type ClassifyCommandOptions = ModelOnMedia & {
  readonly classes?: string;
  readonly audio?: true;
  readonly visual?: true;
  readonly count: number;
  readonly pictures: number;
  readonly json?: true;
  readonly html?: string;
};

/** Adds `kdc-mae classify`. */
export function addClassifyCommand(program: Command): void {
  const command = program
    .command("classify")
    .description("name what is heard and seen in films, sound files and pictures, window by window and for the whole")
    .argument("<files...>", "films, sound files, pictures")
    .option("--model <file>", `a fine-tuned model: ${modelWords}`, "runs/demo-finetune/best.safetensors")
    .option("--classes <file>", "a class list whose names stand for the model's, in their order")
    .addOption(new Option("--audio", "use the sound alone").conflicts("visual"))
    .option("--visual", "use the picture alone")
    .option("--count <n>", "how many labels to give", atLeastOne, 5)
    .option("--pictures <n>", "pictures of each window whose probabilities are averaged", atLeastOne, 1)
    .option("--json", "print one JSON line per file")
    .option("--html <file>", "write a page with players, which needs no network")
    .addHelpText(
      "after",
      "\nA model fine-tuned on sound and pictures together also labels a file that has only one of them.\n" +
        "\nExamples:\n  kdc-mae classify dog.mp4 bark.wav dog.jpg --model runs/demo-finetune/best.safetensors\n" +
        "  kdc-mae classify film.mp4 --html labels.html\n" +
        "  kdc-mae classify dog.mp4 --model vgg_65.5.pth --assume classes=classes.csv\n",
    );
  withModelOnMedia(command).action((files: readonly string[], options: ClassifyCommandOptions) =>
    atRanks((around) => run(files, options, around)),
  );
}

const inWords = (labels: readonly ScoredLabel[]): string =>
  labels.map(({ label, probability }) => `${label} ${numberText(probability, "share")}`).join(", ");

/** One file as a table: the whole, then the stretches of it that one label leads. */
function asTable(result: ClassifiedFile): string {
  const stretches = result.windows.length > 1 ? stretchesOf(result.windows) : [];
  const rows = [
    ["whole", inWords(result.labels)],
    ...stretches.map(({ start, end, labels }) => [`${clockText(start)} – ${clockText(end)}`, inWords(labels)]),
  ];
  return `${result.file} (${passesInWords(result)})\n${alignedTable(rows)}\n\n`;
}

async function run(files: readonly string[], options: ClassifyCommandOptions, around: Surroundings): Promise<void> {
  const { model, classes, audio, visual, count, pictures, json, html } = options;
  const isWriter = ranksOf(around).rank === 0;
  if (html !== undefined && isWriter) await expectWritableFile(html);
  const results = await classify(files, {
    ...(await modelOnMedia("classify", options, "kdc-mae finetune")),
    ...{ ...around, classes, by: audio ? "audio" : visual ? "visual" : undefined, count, pictures },
    onFile: (result) => print(json ? `${JSON.stringify(result)}\n` : asTable(result)),
  });
  if (html !== undefined && results.files.length > 0 && isWriter) {
    await writeWhole(html, labelsHtml(labelsPage(results.files, model, html)));
    remark(`page: ${resolve(html)}\n`);
  }
  if (results.files.length > 0) remark(`${model}: ${linkInWords[results.files[0].link]}\n`);
  if (results.leftOut.length > 0) process.exitCode = 1;
}
