import { availableCpus } from "@kdc-mae/core/node";
import { beyondInWords, type PreparedContent, passedOverInWords } from "@kdc-mae/data/node";
import { type Command, Option } from "commander";
import type { DecoderChoice } from "../pipeline/corpus/open-decoder.js";
import type { ManifestChoice } from "../pipeline/prepare/manifest-choice.js";
import { prepareSet } from "../pipeline/prepare/prepare-set.js";
import { type AtTerminal, atRanks } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import {
  atLeastOne,
  many,
  positiveNumber,
  readWith,
  saysStopped,
  wholeNumberTo,
  withDecoderOption,
} from "./options.js";
import { manifestChoiceOf, withManifestOptions } from "./survey.js";

type Options = ManifestChoice &
  DecoderChoice & {
    readonly out: string;
    readonly workers: number;
    readonly clipsPerShard: number;
    readonly seconds: number;
    readonly frames: number;
    readonly size: number;
    readonly pictures: "jpeg" | "ppm";
    readonly quality: number;
    readonly logMel: PreparedContent["logMel"];
    readonly timeout: number;
    readonly json?: boolean;
  };

const pixels = (text: string): number => (text === "0" ? 0 : atLeastOne(text));

/** `kdc-mae prepare`: clips into shards, each decoded once. */
export function addPrepareCommand(program: Command): void {
  const command = withDecoderOption(withManifestOptions(program.command("prepare")));
  readWith<Options>(command, [
    {
      options: ["quality"],
      when: ({ pictures }) => pictures === "jpeg",
      what: "only JPEG pictures have a quality",
      remedy: "Leave it out, or leave --pictures at jpeg",
    },
  ]);
  command
    .description("decode every clip once into WebDataset shards; run again, it goes on where it was stopped")
    .argument("<manifest>", "a folder of media, or a CSV, JSONL or JSON manifest")
    .requiredOption("--out <folder>", "folder of the prepared set")
    .option("--workers <n>", "clips decoded side by side", atLeastOne, availableCpus() + 1)
    .option("--clips-per-shard <n>", "clips in one tar", atLeastOne, 500)
    .option("--seconds <s>", "longest part of a clip that is kept", positiveNumber, 10.3)
    .option("--frames <n>", "pictures per clip", atLeastOne, 10)
    .option("--size <pixels>", "side of the square pictures; 0 keeps them as they are", pixels, 224)
    .addOption(new Option("--pictures <kind>", "how pictures are kept").choices(["jpeg", "ppm"]).default("jpeg"))
    .option("--quality <q>", "quality of JPEG pictures, 1 to 100", wholeNumberTo(100), 95)
    .addOption(
      new Option("--log-mel <precision>", "keep ready-made log-mel beside the sound")
        .choices(["none", "float16", "float32"])
        .default("none"),
    )
    .option("--timeout <s>", "longest time for one clip before it is given up", positiveNumber, 60)
    .option("--json", "print the summary as JSON")
    .addHelpText("after", "\nExample:\n  kdc-mae prepare usable.jsonl --media-root videos --out prepared --workers 8\n")
    .action((path: string, options: Options) => atRanks((around) => run(path, options, around)));
}

async function run(path: string, options: Options, around: AtTerminal): Promise<void> {
  const { out, workers, timeout, decoder, clipsPerShard, seconds, size, quality, logMel } = options;
  const summary = await prepareSet(path, {
    ...{ ...around, ...manifestChoiceOf(options), out, workers, timeout, decoder },
    content: {
      ...{ clipsPerShard, seconds, logMel, size: size === 0 ? undefined : size },
      frames: { count: options.frames, limit: Math.min(10, seconds) },
      pictures: options.pictures === "jpeg" ? { kind: "jpeg", quality } : { kind: "ppm" },
    },
  }).catch((error) => {
    if (around.signal.aborted) return undefined;
    throw error;
  });
  if (summary === undefined) return saysStopped(options.out);
  if (options.json) {
    print(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  const failed = Object.entries(summary.quarantined);
  const lines = [
    `${many(summary.samples, "clip")} in ${many(summary.shards.length, "shard")}, ${(summary.bytes / 1e9).toFixed(2)} GB`,
    `log-mel mean ${summary.logMel.mean.toFixed(4)}, standard deviation ${summary.logMel.std.toFixed(4)}`,
    `splits: ${Object.entries(summary.splits)
      .map(([split, count]) => `${split} ${count}`)
      .join(", ")}; ${many(Object.keys(summary.classes).length, "class", "classes")}`,
    failed.length === 0
      ? `${summary.beyond.clips > 0 ? "no clip" : "nothing"} was left out`
      : `left out: ${failed.map(([reason, count]) => `${reason} ${count}`).join(", ")} (see quarantine.jsonl)`,
  ];
  const more = [beyondInWords(summary.beyond, seconds), passedOverInWords(summary.passedOver)];
  print(`${[...lines, ...more.filter((line) => line !== undefined)].join("\n")}\n`);
}
