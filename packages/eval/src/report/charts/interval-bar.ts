import type { HeadlineRow } from "../headline.js";

const [width, height] = [240, 26];

/** A figure as a dot with its interval, and its baseline as a mark, on one scale from 0. */
export function intervalBar({ value, interval, baseline, kind }: HeadlineRow): string {
  const most = Math.max(value, baseline.value, interval?.high ?? 0, Number.MIN_VALUE);
  const end = kind === "share" ? 1 : 1.08 * most;
  const x = (at: number) => (5 + (Math.min(Math.max(at, 0), end) / end) * (width - 10)).toFixed(1);
  const range =
    interval === undefined || !Number.isFinite(interval.low)
      ? ""
      : `<line class="range" x1="${x(interval.low)}" x2="${x(interval.high)}" y1="9" y2="9"/>`;
  return `<svg class="bar" viewBox="0 0 ${width} ${height}" aria-hidden="true"><line class="rule" x1="5" x2="${width - 5}" y1="9" y2="9"/>${range}<line class="base" x1="${x(baseline.value)}" x2="${x(baseline.value)}" y1="2" y2="16"/><circle class="dot" cx="${x(value)}" cy="9" r="4.5"/></svg>`;
}
