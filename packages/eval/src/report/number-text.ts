import type { Interval } from "../bootstrap.js";

/** How a figure is written: a share of one as per cent, a rank or count, an error, decibels, seconds. */
export type NumberKind = "share" | "rank" | "error" | "decibel";

/** Differences below this are rounding. */
const rounding = 1e-9;

/**
 * Per cent with one place after the point; with more where that would say none, or all, of what is not: chance in a gallery
 * of 15,446 is 0.0065 % and not 0.0, and 14,996 of 15,000 are 99.97 % and not 100.0.
 */
function percent(share: number): string {
  const short = (100 * share).toFixed(1);
  const said = Math.abs(Number(short)) / 100;
  const from = Math.abs(Math.abs(share) - said);
  if ((said !== 0 && said !== 1) || from < rounding) return `${short} %`;
  // Two figures of what it is away from none, or from all.
  const places = 1 - Math.floor(Math.log10(100 * from));
  return `${(100 * share).toFixed(places)} %`;
}

const writers: Readonly<Record<NumberKind, (value: number) => string>> = {
  share: percent,
  rank: (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1)),
  error: (value) =>
    value === 0 ? "0" : Math.abs(value) >= 100 || Math.abs(value) < 0.001 ? value.toPrecision(3) : value.toFixed(3),
  decibel: (value) => `${value.toFixed(1)} dB`,
};

/**
 * A figure as text; a dash where it does not exist.
 *
 * @example
 * ```ts
 * import { numberText } from "@kdc-mae/eval/report";
 *
 * numberText(0.5214, "share"); // "52.1 %"
 * numberText(null, "share"); // "–"
 * ```
 */
export function numberText(value: number | null | undefined, kind: NumberKind): string {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : writers[kind](value);
}

/** An interval as text, `52.1–63.0 %`; empty where there is none. */
export function intervalText(interval: Interval | undefined, kind: NumberKind): string {
  if (interval === undefined || !Number.isFinite(interval.low) || !Number.isFinite(interval.high)) return "";
  const [low, high] = [numberText(interval.low, kind), numberText(interval.high, kind)];
  return `${low.replace(/ (%|dB)$/, "")}–${high}`;
}

/** Seconds as people say them: tenths below a minute, whole seconds below an hour, then whole minutes. */
export function durationText(seconds: number): string {
  if (Math.round(10 * seconds) < 600) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A moment of a film as players show it, `1:02:03`; tenths where they are not 0.
 *
 * @example
 * ```ts
 * import { clockText } from "@kdc-mae/eval/report";
 *
 * clockText(3723.5); // "1:02:03.5"
 * clockText(7); // "0:07"
 * ```
 */
export function clockText(seconds: number): string {
  const tenths = Math.round(10 * seconds);
  const [whole, rest] = [Math.floor(tenths / 10), tenths % 10];
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  const tail = `${two(whole % 60)}${rest === 0 ? "" : `.${rest}`}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** How many recordings, in words. */
export const inRecordings = (count: number): string => `${count} ${count === 1 ? "recording" : "recordings"}`;

/** What a figure is over, in words: `192 clips`; `192 clips in 24 recordings` where those are drawn whole. */
export const overText = ({
  count,
  unit,
  recordings,
}: {
  readonly count: number;
  readonly unit: string;
  readonly recordings?: number;
}): string => (recordings === undefined ? `${count} ${unit}` : `${count} ${unit} in ${inRecordings(recordings)}`);
