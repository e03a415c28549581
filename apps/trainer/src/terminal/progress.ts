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
  let shown: { readonly stage: string; readonly total: number; done: number; readonly bar: Bar } | undefined;
  const stop = () => {
    shown?.bar.stop();
    shown = undefined;
  };
  return {
    stop,
    onProgress({ stage, unit, done, total, note }) {
      // Another run of the same stage begins anew: an ablation pretrains many times, and not all arms alike.
      if (shown === undefined || shown.stage !== stage || shown.total !== total || done < shown.done) {
        stop();
        shown = { stage, total, done, bar: startProgress(stage, total, unit) };
      }
      shown.done = done;
      shown.bar.update(done, note);
    },
    onNote(note) {
      // A bar is drawn again at its next update; the note takes its line.
      const clear = shown !== undefined && process.stderr.isTTY ? "\r\u001b[K" : "";
      process.stderr.write(`${clear}${visibleText(note)}\n`);
    },
  };
}

/** How fast work goes, from its first report on: what a run had done before it was resumed took none of this time. */
function pace() {
  let first: { readonly done: number; readonly at: number } | undefined;
  return (done: number): number | undefined => {
    const now = performance.now();
    first ??= { done, at: now };
    return done > first.done && now > first.at ? ((done - first.done) / (now - first.at)) * 1000 : undefined;
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
  const rateAt = pace();
  display.start(total, 0, { rate: "–", left: "–", note: "" });
  return {
    update(done, note = "") {
      const rate = rateAt(done);
      const left = rate === undefined ? "–" : seconds((total - done) / rate);
      const shown = rate === undefined ? "–" : rate.toFixed(rate < 10 ? 1 : 0);
      display.update(done, { rate: shown, left, note: visibleText(note) });
    },
    stop: () => display.stop(),
  };
}

function lines(label: string, total: number, unit: string, everyMs = 10_000): Bar {
  const started = performance.now();
  const rateAt = pace();
  let last = started;
  let shown = -1;
  const print = (done: number, note: string) => {
    const rate = rateAt(done);
    const left = done < total && rate !== undefined ? `${seconds((total - done) / rate)} left` : undefined;
    const facts = [
      `${label}: ${done}/${total} ${unit}`,
      rate === undefined ? undefined : `${rate.toFixed(1)}/s`,
      left ?? (done < total ? undefined : `took ${seconds((performance.now() - started) / 1000)}`),
      note || undefined,
    ];
    remark(`${facts.filter((fact) => fact !== undefined).join(", ")}\n`);
    shown = done;
  };
  let final = "";
  let latest = 0;
  return {
    update(done, note = "") {
      final = note;
      latest = done;
      rateAt(done);
      if (performance.now() - last < everyMs) return;
      last = performance.now();
      print(done, note);
    },
    stop() {
      if (latest !== shown) print(latest, final);
    },
  };
}
