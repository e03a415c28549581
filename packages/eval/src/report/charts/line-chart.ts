import { escapeHtml } from "../html-text.js";

/** One line: its name and its points. */
export type Line = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] };

export type ChartAxes = {
  readonly x: string;
  readonly y: string;
  /** Fixed ends; else those of the points. */
  readonly xRange?: readonly [low: number, high: number];
  readonly yRange?: readonly [low: number, high: number];
  /** A straight dashed line between two points, such as the diagonal. */
  /** Draws every point, also where lines join them: for few points, whose places count. */
  readonly dots?: boolean;
  readonly guide?: readonly [readonly [number, number], readonly [number, number]];
};

const [width, height] = [360, 220];
const [left, right, top, bottom] = [44, 12, 12, 34];

/** About `count` round numbers that hold `low` to `high` between them. */
export function roundTicks(low: number, high: number, count: number): readonly number[] {
  const span = high - low || Math.abs(high) || 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => span / size <= count) ?? magnitude;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Neighbouring points averaged until no more than `most` are left. */
export function thinned(
  points: readonly (readonly [number, number])[],
  most = 240,
): readonly (readonly [number, number])[] {
  const size = Math.ceil(points.length / most);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, group) => {
    const part = points.slice(group * size, (group + 1) * size);
    const mean = (axis: 0 | 1) => part.reduce((sum, point) => sum + point[axis], 0) / part.length;
    return [mean(0), mean(1)] as const;
  });
}

const short = (value: number): string =>
  Math.abs(value) >= 10000 ? `${Number((value / 1000).toPrecision(4))}k` : String(value);

/** A line chart as inline SVG, coloured by the page's style. Points that are not finite break the line. */
export function lineChart(title: string, lines: readonly Line[], axes: ChartAxes): string {
  const finite = lines.flatMap(({ points }) => points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)));
  if (finite.length === 0) return `<p class="quiet">${escapeHtml(title)}: no points to draw.</p>`;
  const ends = (axis: 0 | 1, fixed: readonly [number, number] | undefined): readonly [number, number] =>
    fixed ?? [
      finite.reduce((least, point) => Math.min(least, point[axis]), Infinity),
      finite.reduce((most, point) => Math.max(most, point[axis]), -Infinity),
    ];
  // Values may end anywhere between two rules; steps end where the line ends.
  const xEnds = ends(0, axes.xRange);
  const xTicks = roundTicks(xEnds[0], xEnds[1], 5).filter((tick) => tick >= xEnds[0] && tick <= xEnds[1]);
  const yTicks = roundTicks(...ends(1, axes.yRange), 4);
  const place = (value: number, low: number, high: number, from: number, to: number) =>
    Number((from + ((value - low) / (high - low || 1)) * (to - from)).toFixed(2));
  const x = (value: number) => place(value, xEnds[0], xEnds[1], left, width - right);
  const y = (value: number) => place(value, yTicks[0], yTicks.at(-1)!, height - bottom, top);
  const path = (points: readonly (readonly [number, number])[]) => {
    let pen = "M";
    return points
      .map(([px, py]) => {
        if (!Number.isFinite(px) || !Number.isFinite(py)) {
          pen = "M";
          return "";
        }
        const command = `${pen}${x(px)} ${y(py)}`;
        pen = "L";
        return command;
      })
      .join("");
  };
  const grid = yTicks.map(
    (tick) =>
      `<line class="rule" x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${left - 6}" y="${y(tick) + 3.5}" text-anchor="end">${short(tick)}</text>`,
  );
  const feet = xTicks.map(
    (tick) => `<text x="${x(tick)}" y="${height - bottom + 15}" text-anchor="middle">${short(tick)}</text>`,
  );
  const guide = axes.guide === undefined ? "" : `<path class="guide" d="${path(axes.guide)}"/>`;
  const drawn = lines.map(({ points }, index) => `<path class="line line-${index}" d="${path(points)}"/>`);
  // A point with no neighbour to be joined to would not be seen at all.
  const isSeen = ([px, py]: readonly [number, number]) => Number.isFinite(px) && Number.isFinite(py);
  const dots = lines.map(({ points }, index) => {
    const shown = points.filter(
      (point, at) =>
        isSeen(point) &&
        (axes.dots === true || ![points[at - 1], points[at + 1]].some((next) => next !== undefined && isSeen(next))),
    );
    return shown
      .map(([px, py]) => `<circle class="dots dots-${index}" cx="${x(px)}" cy="${y(py)}" r="${4 - (index % 4) / 2}"/>`)
      .join("");
  });
  const legend =
    lines.length < 2
      ? ""
      : `<ul class="legend">${lines.map(({ name }, index) => `<li class="key-${index}">${escapeHtml(name)}</li>`).join("")}</ul>`;
  return `<figure class="chart"><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${title}: ${axes.y} by ${axes.x}`)}">${grid.join("")}${feet.join("")}<text class="axis" x="${width - right}" y="${height - 4}" text-anchor="end">${escapeHtml(axes.x)}</text>${guide}${drawn.join("")}${dots.join("")}</svg>${legend}</figure>`;
}
