import { microPrecisionRecall } from "../../classification/average-precision.js";
import { confusionMatrix } from "../charts/confusion-matrix.js";
import { intervalBar } from "../charts/interval-bar.js";
import { kindCurves } from "../charts/kind-curves.js";
import { lineChart, thinned } from "../charts/line-chart.js";
import {
  classificationGrid,
  detectionGrid,
  type Grid,
  inpaintingGrid,
  localizationGrid,
  retrievalGrid,
} from "../figure-grid.js";
import { headline, type Verdict, verdictOf } from "../headline.js";
import { escapeHtml, htmlTable } from "../html-text.js";
import { intervalText, numberText, overText } from "../number-text.js";
import type { ReportInput } from "../report-input.js";

/** A grid of figures, each with its interval below it. */
const gridTable = (grid: Grid | undefined): string =>
  grid === undefined
    ? ""
    : htmlTable(
        grid.head.map(escapeHtml),
        grid.rows.map((row) =>
          row.map((cell) =>
            typeof cell === "string"
              ? escapeHtml(cell)
              : `${numberText(cell.value, cell.kind)}<small>${intervalText(cell.interval, cell.kind)}</small>`,
          ),
        ),
      );

const saidVerdicts: Readonly<Record<Verdict, string>> = {
  better: "",
  "not better": ' <span class="worse">not better</span>',
  "within the interval": " within the interval",
  "no interval": "",
};

/** The cards on top: every task's figure beside its baseline. */
export function headlineCards(input: ReportInput): string {
  const cards = headline(input).map((row) => {
    const interval = intervalText(row.interval, row.kind);
    const verdict = saidVerdicts[verdictOf(row)];
    return `<div class="card"><h3>${escapeHtml(row.task)}</h3><div class="value"><span>${numberText(row.value, row.kind)}</span><small>${escapeHtml(row.figure)}</small></div>${intervalBar(row)}<div class="against">${interval === "" ? "" : `95 %: ${interval} · `}${overText(row.over)} · ${escapeHtml(row.baseline.name)} <b>${numberText(row.baseline.value, row.kind)}</b>${verdict}</div></div>`;
  });
  return cards.length === 0
    ? '<p class="quiet">Nothing was evaluated.</p>'
    : `<div class="cards">${cards.join("")}</div>`;
}

/** Training curves, one chart for every term. */
export function lossSection({ losses }: ReportInput): string {
  if (losses === undefined) return "";
  const charts = Object.entries(losses.series).map(([name, values]) =>
    lineChart(name, [{ name, points: thinned(values.map((value, i) => [losses.steps[i], value] as const)) }], {
      x: "step",
      y: name,
      xRange: [losses.steps[0], losses.steps.at(-1) ?? 0],
    }),
  );
  return `<h2 id="training">Training</h2><p class="quiet">Each term before its weight, averaged over neighbouring steps.</p><div class="charts">${charts.join("")}</div>`;
}

const modes = ["joint", "audio", "visual"] as const;

/** Accuracy and its relatives, the confusion, precision–recall, calibration, every kind. */
export function classificationHtml(input: ReportInput): string {
  const { classification, dataset } = input;
  if (classification === undefined) return "";
  const table = gridTable(classificationGrid(input));
  const { joint } = classification;
  const curves = lineChart(
    "Precision by recall, all kinds together",
    modes.map((mode) => ({
      name: mode,
      points: thinned(
        microPrecisionRecall(classification[mode].clips.probabilities, classification[mode].clips.labels).map(
          ({ recall, precision }) => [recall, precision] as const,
        ),
      ),
    })),
    { x: "recall", y: "precision", xRange: [0, 1], yRange: [0, 1] },
  );
  const reliability = lineChart(
    "Calibration: accuracy by confidence",
    modes.map((mode) => ({
      name: mode,
      points: classification[mode].calibration.bins.flatMap(({ clips, confidence, accuracy }) =>
        clips === 0 ? [] : [[confidence, accuracy] as const],
      ),
    })),
    {
      x: "confidence",
      y: "accuracy",
      xRange: [0, 1],
      yRange: [0, 1],
      dots: true,
      guide: [
        [0, 0],
        [1, 1],
      ],
    },
  );
  const kinds = htmlTable(
    ["Kind", "Clips", ...modes.map((mode) => `Recall, ${mode}`), "Precision, joint", "AP, joint", "AUC, joint"],
    joint.kinds.map((row, index) => [
      escapeHtml(row.kind),
      String(row.positives),
      ...modes.map((mode) => numberText(classification[mode].kinds[index].recall, "share")),
      numberText(row.precision, "share"),
      numberText(row.averagePrecision, "share"),
      numberText(row.auc, "share"),
    ]),
  );
  return `<h2 id="classification">Classification</h2><p>A linear probe on frozen features, ${joint.evaluated} test clips of ${dataset.kinds.length} kinds. Always saying “${escapeHtml(joint.majority.kind)}” gives ${numberText(joint.majority.accuracy, "share")}.</p>${table}<div class="split">${confusionMatrix(
    joint.kinds.map(({ kind }) => kind),
    joint.confusion,
  )}<div class="charts">${curves}${reliability}</div></div>${kindCurves(Object.fromEntries(modes.map((mode) => [mode, classification[mode]])))}<details><summary>Every kind</summary>${kinds}</details>`;
}

/** Ranks in both directions. */
export const retrievalTable = (input: ReportInput): string => gridTable(retrievalGrid(input));

/** Errors on hidden patches by mask. */
export const inpaintingTable = (input: ReportInput): string => gridTable(inpaintingGrid(input));

/** Overlap with the true box, and whether there is one. */
export function localizationTable(input: ReportInput): string {
  const { localization } = input;
  if (localization === undefined) return "";
  const { evaluated, area, pixelAP, pixelAPInterval } = localization;
  const note = `<p class="note">${evaluated} clips; the true box covers ${numberText(area, "share")} of the frame on average; pixel AP ${numberText(pixelAP, "share")} (${intervalText(pixelAPInterval, "share")}).</p>`;
  return gridTable(localizationGrid(input)) + note + gridTable(detectionGrid(input));
}
