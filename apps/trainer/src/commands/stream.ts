import { KdcError } from "@kdc-mae/core";
import { clockText, numberText } from "@kdc-mae/eval/report";
import { type Command, Option } from "commander";
import { type StreamedWindow, stream } from "../pipeline/films/stream-media.js";
import { type AtTerminal, atTerminal } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import { stopped } from "../terminal/ranks.js";
import { withEngineOptions } from "./engine-options.js";
import { type ModelOnMedia, modelOnMedia } from "./model-on-media.js";
import {
  anyShare,
  atLeastOne,
  many,
  modelWords,
  positiveNumber,
  readWith,
  type WindowChoice,
  withAssume,
  withWindows,
} from "./options.js";

type StreamOptions = Omit<ModelOnMedia, "decoder"> &
  WindowChoice & {
    readonly only?: "sound" | "pictures";
    readonly pictureAt?: number;
    readonly patience?: number;
    readonly heat?: true;
    readonly count?: number;
    readonly paced?: true;
    readonly json?: true;
  };

/** Adds `kdc-mae stream`. */
export function addStreamCommand(program: Command): void {
  const command = program
    .command("stream")
    .description("follow sound and pictures as they come: vectors, labels and heat, window by window")
    .argument("<file or ->", "a film or a sound file; - for one that comes through standard input")
    .option("--model <file>", `${modelWords}; a fine-tuned one gives labels`, "runs/demo/model.safetensors")
    .addOption(new Option("--only <kind>", "use sound alone, or pictures alone").choices(["sound", "pictures"]))
    .option(
      "--picture-at <share>",
      "where in a window its picture is taken, 0 to 1 (default: 0.5, its middle)",
      anyShare,
    )
    .option(
      "--patience <seconds>",
      "seconds without sound, or without pictures, after which a stream is taken to have none (default: 10)",
      positiveNumber,
    )
    .option("--heat", "show where in the picture its sound is seen")
    .option("--count <n>", "with a fine-tuned model: how many labels a window gets (default: 3)", atLeastOne)
    .option("--paced", "read a file no faster than it plays, as a microphone and a camera would give it")
    .option("--json", "print one JSON line per window, with its vectors and maps")
    .addHelpText(
      "after",
      "\nStandard input may be any container that can be read without seeking: Matroska, WebM, MPEG-TS, WAV,\n" +
        "FLAC, MP3, fragmented MP4. Memory stays the same however long it goes on.\n" +
        "\nExamples:\n  kdc-mae stream dog.mp4 --hop 0.25 --heat\n" +
        "  ffmpeg -f v4l2 -i /dev/video0 -f alsa -i default -f matroska - | kdc-mae stream - --json\n",
    );
  readWith<StreamOptions>(command, [
    {
      options: ["pictureAt", "heat"],
      when: ({ only }) => only !== "sound",
      what: "with --only sound no picture is used",
      remedy: "Leave one of the two out",
    },
    {
      options: ["patience"],
      when: ({ only }) => only === undefined,
      what: "with --only there is no other stream to wait for",
      remedy: "Leave one of the two out",
    },
    {
      options: ["heat"],
      when: ({ only }) => only === undefined,
      what: "it needs sound and pictures",
      remedy: "Leave --only out",
    },
  ]);
  withEngineOptions(withAssume(withWindows(command, "0.5 s"))).action((source: string, options: StreamOptions) =>
    atTerminal((around) => run(source, options, around)),
  );
}

/** A window in a line: when, what of it there was, what it was taken for, where it is seen, and how long that took. */
function asLine({ start, end, audio, visual, labels, hottest, delay }: StreamedWindow): string {
  const there = [audio ? "sound" : undefined, visual ? "picture" : undefined].filter((name) => name !== undefined);
  const parts = [
    `${clockText(start)} – ${clockText(end)}`,
    there.join(" and "),
    ...(labels
      ? [labels.map(({ label, probability }) => `${label} ${numberText(probability, "share")}`).join(", ")]
      : []),
    ...(hottest ? [`hottest at row ${hottest.row}, column ${hottest.column} (${hottest.cosine.toFixed(3)})`] : []),
    `computed in ${Math.round(1000 * delay)} ms`,
  ];
  return `${parts.join("  ")}\n`;
}

const asJson = ({ audio, visual, joint, scores, heat, ...rest }: StreamedWindow): string => {
  const lists = Object.entries({ audio, visual, joint, scores }).flatMap(([name, values]) =>
    values ? [[name, [...values]] as const] : [],
  );
  const map = heat ? { heat: { rows: heat.shape[0], columns: heat.shape[1], cosines: [...heat.data] } } : {};
  return `${JSON.stringify({ ...rest, ...Object.fromEntries(lists), ...map })}\n`;
};

async function run(source: string, options: StreamOptions, around: AtTerminal): Promise<void> {
  const { only, pictureAt, patience, heat, count, paced, json, window, hop } = options;
  const opened = await modelOnMedia("stream", options);
  if (source === "-" && paced) {
    throw new KdcError({
      where: "--paced",
      what: "standard input arrives at its own pace",
      remedy: "Leave it out, or give a file",
      reason: "usage",
    });
  }
  const asked = { only, pictureAt, patience, heat, count, paced, window, hop };
  let told = 0;
  const inWords = () => many(told, "window");
  await stream(source === "-" ? process.stdin : source, {
    ...{ ...around, ...opened, ...asked },
    onWindow: (one) => {
      print(json ? asJson(one) : asLine(one));
      told += 1;
    },
  }).catch((error) => {
    if (!around.signal.aborted) throw error;
  });
  if (around.signal.aborted) {
    // What is past does not come again: nothing goes on from here.
    remark(`${inWords()}; stopped\n`);
    process.exitCode = stopped();
  } else {
    around.onNote?.(inWords());
  }
}
