import { printProtocol, protocolRecords } from "@kdc-mae/eval";
import { reportJson, resultsJson, resultsText } from "@kdc-mae/eval/report";
import { type Command, Option } from "commander";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { reportOn } from "../pipeline/evaluate/picture-report.js";
import { evaluate } from "../pipeline/evaluate/under-protocols.js";
import { headlineTable } from "../pipeline/evaluate/write-report.js";
import { readAssume } from "../pipeline/run/assume.js";
import { folderBeside } from "../pipeline/share/hub-address.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atRanks } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { engineName, executeFor, withEngineOptions } from "./engine-options.js";
import { type AssumeChoice, collect, modelWords, positiveNumber, readWith, withAssume } from "./options.js";

type EvaluateCommandOptions = EngineChoice &
  AssumeChoice & {
    readonly list?: true;
    readonly media?: string;
    readonly data?: string;
    readonly mediaRoot?: string;
    readonly classes?: string;
    readonly allowOutside?: true;
    readonly labels?: string;
    readonly splitBy?: string;
    readonly windows?: number;
    readonly split?: "train" | "validation" | "test";
    readonly out?: string;
    readonly protocol: readonly string[];
    readonly denormalize?: true;
    readonly vggsounder?: string;
    readonly by?: string;
    readonly json?: true;
  };

/** Adds `kdc-mae evaluate`. */
export function addEvaluateCommand(program: Command): void {
  const command = program
    .command("evaluate")
    .description("evaluate a model under named protocols, or a pretrained one on all four tasks with a picture report")
    .argument("[model]", modelWords, "runs/demo/model.safetensors")
    .option("--protocol <name>", "evaluate under this protocol; may be given several times", collect, [])
    .option("--list", "print every protocol in full")
    .option("--data <path>", "a manifest, folder or prepared shards (default: the data of the model's own experiment)")
    .option("--media-root <folder>", "with --data: where a manifest's paths begin (default: the manifest's folder)")
    .option("--classes <file>", "with --data: a class list that gives AudioSet's mids their names")
    .option("--allow-outside", "with --data: let paths and links lead out of the media root")
    .option("--labels <file>", "with --data: take only clips with a label of this list")
    .option(
      "--split-by <shares>",
      "with --data: share out clips without a split among train, validation and test: 0.8,0.1,0.1",
    )
    .option("--windows <seconds>", "with --data: cut long recordings into clips of this many seconds", positiveNumber)
    .addOption(
      new Option("--split <name>", "with --protocol: which clips are evaluated (default: test)").choices([
        ...["train", "validation", "test"],
      ]),
    )
    .option("--denormalize", "with --protocol: bring predictions of normalised pixels back with the true statistics")
    .option("--media <folder>", `where synthetic clips are kept, for models trained on them (default: ${defaultMedia})`)
    .option("--vggsounder <file>", "with --protocol vggsounder: its authors' labels, vggsounder.csv")
    .option(
      "--by <column>",
      "with --protocol: every figure for each group of clips by this column of their list too, and the largest gap between groups",
    )
    .option("--out <folder>", "where the report goes (default: evaluation, beside the model)")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  kdc-mae evaluate runs/demo/model.safetensors --json
  kdc-mae evaluate runs/demo/model.safetensors --protocol retrieval-middle-frame --protocol inpainting-time-75
  kdc-mae evaluate runs/vggsound/averaged.safetensors --protocol classification-10-frames --data shards/test
  kdc-mae evaluate runs/demo/model.safetensors --protocol retrieval-middle-frame --by distractor
  kdc-mae evaluate vgg_65.5.pth --protocol classification-10-frames --data shards/test --assume classes=classes.csv
  kdc-mae evaluate runs/vggsound/averaged.safetensors --protocol classification-10-frames \\
    --data vggsound.csv --media-root videos
`,
    );
  readWith<EvaluateCommandOptions>(command, [
    {
      options: [
        ...(["protocol", "data", "mediaRoot", "allowOutside", "classes", "labels", "splitBy", "windows"] as const),
        ...(["split", "denormalize", "media", "vggsounder", "by", "out", "json"] as const),
      ],
      when: ({ list }) => list !== true,
      what: "--list prints the protocols and evaluates nothing",
      remedy: "Leave it out, or leave --list out",
    },
    {
      options: ["split", "denormalize", "by"],
      when: ({ protocol }) => protocol.length > 0,
      what: "only protocols read it: the picture report is on the test clips, and brings normalised pixels back by itself",
      remedy: "Leave it out, or name what to evaluate with --protocol",
    },
    {
      options: ["denormalize"],
      when: ({ protocol }) => protocol.some((name) => name.startsWith("inpainting-")),
      what: "only inpainting protocols read it",
      remedy: "Leave it out, or add an inpainting protocol",
    },
    {
      options: ["vggsounder"],
      when: ({ protocol }) => protocol.includes("vggsounder"),
      what: "only the protocol vggsounder uses it",
      remedy: "Leave it out, or add --protocol vggsounder",
    },
    {
      options: ["media"],
      when: ({ data }) => data === undefined,
      what: "it says where synthetic clips are kept, and --data names other clips",
      remedy: "Leave it out; a manifest's paths begin at --media-root",
    },
  ]);
  withEngineOptions(withAssume(command)).action((model: string, options: EvaluateCommandOptions) =>
    atRanks(async (around) => {
      if (options.list) print(listProtocols());
      else await run(model, options, around);
    }),
  );
}

/** Every protocol there is, in full. */
const listProtocols = (): string => `${protocolRecords.map(({ protocol }) => printProtocol(protocol)).join("\n\n")}\n`;

async function run(model: string, options: EvaluateCommandOptions, around: Surroundings): Promise<void> {
  const { protocol: protocols, data, mediaRoot, allowOutside, classes, labels, splitBy, windows } = options;
  const { media, split, denormalize, json } = options;
  const shared = {
    ...{ ...around, data, mediaRoot, allowOutside, classes, labels, splitBy, windows },
    ...{ media, out: options.out ?? folderBeside(model, "evaluation") },
    ...{
      execute: await executeFor(options),
      engine: await engineName(options),
      assume: await readAssume(options.assume),
    },
  };
  if (protocols.length > 0) {
    const { results, page } = await evaluate(model, {
      ...shared,
      protocols,
      split,
      denormalize,
      vggsounder: options.vggsounder,
      by: options.by,
    });
    print(json ? resultsJson(results) : `${resultsText(results)}\n\nreport: ${page}\n`);
    for (const { protocol, message } of results.failed ?? []) remark(`protocol ${protocol} failed: ${message}\n`);
    if (results.failed !== undefined) process.exitCode = 1;
    return;
  }
  const { input, page } = await reportOn(model, shared);
  print(json ? `${reportJson(input)}\n` : `${headlineTable(input)}\n\nreport: ${page}\n`);
}
