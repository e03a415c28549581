import { visibleText } from "@kdc-mae/core";
import { Presets, SingleBar } from "cli-progress";
import type { Surroundings } from "../pipeline/surroundings.js";
import { remark } from "./print.js";

/** One long piece of work as it is shown. */
export type Bar = {
  /** `done` of the total is finished; `note` is a short live figure, such as the loss. */
  update(done: number, note?: string): void;
  stop(): void;
};

const seconds = (value: number) =>
  value >= 90 ? `${Math.floor(value / 60)} min ${Math.round(value % 60)} s` : `${value.toFixed(0)} s`;

/**
 * A bar with rate and time left on a terminal, a plain line every ten seconds otherwise. Always on stderr, so that
 * stdout stays free for results.
 */
export function startProgress(label: string, total: number, unit: string): Bar {
  return process.stderr.isTTY ? bar(label, total, unit) : lines(label, total, unit);
}

/** What long work tells, shown: a bar for each stage and a line for each note. Call `stop` when the work has ended. */
export function showProgress(): Required<Pick<Surroundings, "onProgress" | "onNote">> & { stop(): void } {
  let shown: { readonly stage: string; readonly bar: Bar } | undefined;
  const stop = () => {
    shown?.bar.stop();
    shown = undefined;
  };
  return {
    stop,
    onProgress({ stage, unit, done, total, note }) {
      if (shown?.stage !== stage) {
        stop();
        shown = { stage, bar: startProgress(stage, total, unit) };
      }
      shown.bar.update(done, note);
    },
    onNote(note) {
      // A bar is drawn again at its next update; the note takes its line.
      const clear = shown !== undefined && process.stderr.isTTY ? "\r\u001b[K" : "";
      process.stderr.write(`${clear}${visibleText(note)}\n`);
    },
  };
}

function bar(label: string, total: number, unit: string): Bar {
  const display = new SingleBar(
    {
      format: `${label.padEnd(10)} {bar} {value}/{total} ${unit}  {rate}/s  {left} left  {note}`,
      stream: process.stderr,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  const started = performance.now();
  display.start(total, 0, { rate: "–", left: "–", note: "" });
  return {
    update(done, note = "") {
      const rate = done / ((performance.now() - started) / 1000);
      const left = rate > 0 ? seconds((total - done) / rate) : "–";
      display.update(done, { rate: rate.toFixed(rate < 10 ? 1 : 0), left, note: visibleText(note) });
    },
    stop: () => display.stop(),
  };
}

function lines(label: string, total: number, unit: string, everyMs = 10_000): Bar {
  const started = performance.now();
  let last = started;
  let shown = -1;
  const print = (done: number, note: string) => {
    const elapsed = (performance.now() - started) / 1000;
    const rate = done / Math.max(elapsed, 1e-3);
    const left = done < total && rate > 0 ? `, ${seconds((total - done) / rate)} left` : `, took ${seconds(elapsed)}`;
    remark(`${label}: ${done}/${total} ${unit}, ${rate.toFixed(1)}/s${left}${note ? `, ${note}` : ""}\n`);
    shown = done;
  };
  let final = "";
  let latest = 0;
  return {
    update(done, note = "") {
      final = note;
      latest = done;
      if (performance.now() - last < everyMs) return;
      last = performance.now();
      print(done, note);
    },
    stop() {
      if (latest !== shown) print(latest, final);
    },
  };
}
