import { availableCpus } from "@kdc-mae/core/node";
import type { Command } from "commander";
import { benchData, type DataReport, type DataRow } from "../bench/loading/bench-data.js";
import { openDecoder } from "../pipeline/corpus/open-decoder.js";
import { type ManifestChoice, openChosen } from "../pipeline/prepare/manifest-choice.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { atLeastOne } from "./options.js";
import { withManifestOptions } from "./survey.js";

type Options = ManifestChoice & {
  readonly workers: number;
  readonly rounds: number;
  readonly slowClips: number;
  readonly python: string;
  readonly json?: true;
};

/** Adds `kdc-mae bench-data`. */
export function addBenchDataCommand(program: Command): void {
  withManifestOptions(program.command("bench-data"))
    .description("time preparing and loading clips, side by side with decoding every epoch and with torchaudio's way")
    .argument("<manifest>", "a folder of media, or a CSV, JSONL or JSON manifest")
    .option("--workers <n>", "threads, processes or ffmpegs at once", atLeastOne, availableCpus())
    .option("--rounds <n>", "times each way runs, by turns; medians count", atLeastOne, 3)
    .option("--slow-clips <n>", "clips to time the slow ways on, those that decode", atLeastOne, 60)
    .option("--python <path>", "a Python with torchaudio, numpy and Pillow", "python3")
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  kdc-mae bench-data videos --python /usr/bin/python3\n")
    .action((path: string, options: Options) =>
      untilInterrupted(async (signal) => {
        const opened = await openDecoder({ env: process.env });
        const { manifest } = await openChosen(path, options, opened);
        const { ffmpeg } = opened;
        const { workers, rounds, slowClips, python, json } = options;
        const onRow = (row: DataRow) => {
          if (!json) print(`${line(row)}\n`);
        };
        const report = await benchData({
          manifest,
          name: path,
          ffmpeg,
          python,
          slowClips,
          rounds,
          workers,
          signal,
          onRow,
        });
        print(json ? `${JSON.stringify(report, null, 2)}\n` : summary(report));
      }),
    );
}

const line = ({ way, clips, seconds, clipsPerSecond, busy }: DataRow): string =>
  [
    way.padEnd(20),
    `${clips} clips`.padStart(12),
    `${seconds.toFixed(2)} s`.padStart(10),
    `${clipsPerSecond.toFixed(1)} clips/s`.padStart(16),
    ...(busy === undefined ? [] : [`${(100 * busy).toFixed(0)} % of all cores`]),
  ].join("  ");

function summary({ rows, logMel, machine, missing }: DataReport): string {
  const load = rows.find(({ way }) => way === "load")!;
  const { ours, torchaudio, version } = logMel;
  return [
    "",
    ...rows
      .filter(({ way }) => way !== "load" && way !== "prepare")
      .map((row) => `loading is ${(load.clipsPerSecond / row.clipsPerSecond).toFixed(1)} × ${row.way}`),
    `log-mel of 10 s: ${ours.toFixed(2)} ms${torchaudio === undefined ? "" : `; torchaudio ${version} ${torchaudio.toFixed(2)} ms, ${(torchaudio / ours).toFixed(1)} ×`}`,
    `${machine.cpu}, ${machine.cores} cores, node ${machine.node}`,
    ...Object.entries(missing).map(([way, reason]) => `${way} did not run: ${reason}`),
    "",
  ].join("\n");
}
