import { precisionRecallCurve } from "../../classification/average-precision.js";
import type { ClassificationResult } from "../../classification/classification.js";
import { escapeHtml } from "../html-text.js";
import { numberText } from "../number-text.js";
import { thinned } from "./line-chart.js";

type Scored = Pick<ClassificationResult, "kinds" | "clips">;

const [side, margin] = [100, 4];
const place = (value: number) => Number((margin + value * (side - 2 * margin)).toFixed(1));

/** The precision at every recall that one kind reaches, from its highest score down, as `[recall, precision]`. */
export function kindCurve({ kinds, clips }: Scored, kind: number): readonly (readonly [number, number])[] {
  const { probabilities, labels } = clips;
  const scores = Float32Array.from(labels, (_, clip) => probabilities.data[clip * kinds.length + kind]);
  const curve = precisionRecallCurve(
    scores,
    Array.from(labels, (label) => (label === kind ? 1 : 0)),
  );
  return curve
    .filter(({ recall }, at) => recall > (curve[at - 1]?.recall ?? 0))
    .map(({ recall, precision }) => [recall, precision] as const);
}

/**
 * A small precision-by-recall chart for every kind, all on one scale from 0 to 1, with one line per mode; the dashed
 * rule is the share of the kind's clips, which is the precision of chance.
 *
 * @param modes results on the same clips and kinds by name; average precision is that of the first
 */
export function kindCurves(modes: Readonly<Record<string, Scored>>): string {
  const results = Object.values(modes);
  const names = Object.keys(modes);
  const cells = results[0].kinds.map(({ kind, positives, averagePrecision }, index) => {
    const chance = place(1 - positives / results[0].clips.labels.length);
    const lines = results.map((result, mode) => {
      const points = thinned(kindCurve(result, index), 60).map(([x, y]) => `${place(x)} ${place(1 - y)}`);
      if (points.length === 0) return "";
      // The first precision holds back to recall 0: above the highest score there is nothing to be wrong about.
      const [, first] = points[0].split(" ");
      return `<path class="line line-${mode}" d="M${[`${margin} ${first}`, ...points].join("L")}"/>`;
    });
    const said = positives === 0 ? "no clips here" : `AP ${numberText(averagePrecision, "share")}`;
    return `<figure class="chart"><figcaption>${escapeHtml(kind)}<small>${said}</small></figcaption><svg viewBox="0 0 ${side} ${side}" role="img" aria-label="${escapeHtml(`${kind}: precision by recall`)}"><rect class="frame" x="${margin}" y="${margin}" width="${side - 2 * margin}" height="${side - 2 * margin}"/><path class="guide" d="M${margin} ${chance}L${side - margin} ${chance}"/>${lines.join("")}</svg></figure>`;
  });
  const legend = names.map((name, index) => `<li class="key-${index}">${escapeHtml(name)}</li>`).join("");
  const body = `<p class="note">Precision (up) by recall (right), both from 0 to 1; dashed: chance; average precision: ${escapeHtml(names[0])}.</p><ul class="legend">${legend}</ul><div class="kinds">${cells.join("")}</div>`;
  const title = "Precision by recall, kind by kind";
  return `<details${results[0].kinds.length > 30 ? "" : " open"}><summary>${title}</summary>${body}</details>`;
}
