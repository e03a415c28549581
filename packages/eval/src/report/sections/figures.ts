import type { Interval } from "../../bootstrap.js";
import { microPrecisionRecall } from "../../classification/average-precision.js";
import { confusionMatrix } from "../charts/confusion-matrix.js";
import { intervalBar } from "../charts/interval-bar.js";
import { kindCurves } from "../charts/kind-curves.js";
import { lineChart, thinned } from "../charts/line-chart.js";
import { beatsBaseline, headline } from "../headline.js";
import { escapeHtml, htmlTable } from "../html-text.js";
import { intervalText, type NumberKind, numberText } from "../number-text.js";
import type { ReportInput } from "../report-input.js";

/** A figure with its interval below it. */
const withInterval = (value: number | null | undefined, kind: NumberKind, interval?: Interval): string =>
  `${numberText(value, kind)}<small>${intervalText(interval, kind)}</small>`;

/** The cards on top: every task's figure beside its baseline. */
export function headlineCards(input: ReportInput): string {
  const cards = headline(input).map((row) => {
    const interval = intervalText(row.interval, row.kind);
    const verdict = beatsBaseline(row) ? "" : ' <span class="worse">not better</span>';
    return `<div class="card"><h3>${escapeHtml(row.task)}</h3><div class="value"><span>${numberText(row.value, row.kind)}</span><small>${escapeHtml(row.figure)}</small></div>${intervalBar(row)}<div class="against">${interval === "" ? "" : `95 %: ${interval} · `}${escapeHtml(row.baseline.name)} <b>${numberText(row.baseline.value, row.kind)}</b>${verdict}</div></div>`;
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
export function classificationHtml({ classification, dataset }: ReportInput): string {
  if (classification === undefined) return "";
  const table = htmlTable(
    ["Mode", "Accuracy", "mAP", "AUC", "d′", "Calibration error"],
    modes.map((mode) => {
      const one = classification[mode];
      return [
        mode,
        withInterval(one.accuracy, "share", one.intervals.accuracy),
        withInterval(one.mAP, "share", one.intervals.mAP),
        withInterval(one.auc, "share", one.intervals.auc),
        withInterval(one.dPrime, "error", one.intervals.dPrime),
        withInterval(one.calibration.error, "share", one.intervals.calibration),
      ];
    }),
  );
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
export function retrievalTable({ retrieval }: ReportInput): string {
  if (retrieval === undefined) return "";
  const rows = [
    ["sound → picture", retrieval.audioToVisual],
    ["picture → sound", retrieval.visualToAudio],
  ] as const;
  const kinds = { r1: "share", r5: "share", r10: "share", medianRank: "rank" } as const;
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  return htmlTable(
    ["Direction", "R@1", "R@5", "R@10", "Median rank", "Tied"],
    [
      ...rows.map(([name, scores]) => [
        name,
        ...names.map((figure) => withInterval(scores[figure], kinds[figure], scores.intervals[figure])),
        numberText(scores.tied, "share"),
      ]),
      ["chance", ...names.map((figure) => numberText(retrieval.chance[figure], kinds[figure])), ""],
    ],
  );
}

/** Errors on hidden patches by mask. */
export function inpaintingTable({ inpainting }: ReportInput): string {
  if (inpainting === undefined) return "";
  return htmlTable(
    ["Mask", "Hidden", "Error", "Mean fill", "PSNR", "Mean fill"],
    inpainting.flatMap((result) =>
      (["audio", "visual"] as const).map((modality) => {
        const one = result[modality];
        return [
          `${escapeHtml(result.mask)}, ${modality}`,
          numberText(result.ratio[modality], "share"),
          withInterval(one.mse, "error", one.intervals.mse),
          withInterval(one.meanFill, "error", one.intervals.meanFill),
          withInterval(one.psnr, "decibel", one.intervals.psnr),
          numberText(one.meanFillPsnr, "decibel"),
        ];
      }),
    ),
  );
}

/** Overlap with the true box, beside boxes in the centre and the best the grid allows. */
export function localizationTable({ localization }: ReportInput): string {
  if (localization === undefined) return "";
  const { centreBox, centreHalfArea, oracle, detection } = localization;
  const rows = [
    ["model", localization],
    [`centre box, ${numberText(centreBox.side, "share")} of the side`, centreBox],
    ["centre box, half of the area", centreHalfArea],
    ["best on this grid", oracle],
  ] as const;
  const table = htmlTable(
    ["", "cIoU@0.5", "AUC", "Mean cIoU"],
    rows.map(([name, one]) => [
      name,
      withInterval(one.ciou50, "share", one.intervals.ciou50),
      withInterval(one.auc, "share", one.intervals.auc),
      withInterval(one.ciou, "share", one.intervals.ciou),
    ]),
  );
  const note = `<p class="note">${localization.evaluated} clips; the true box covers ${numberText(localization.area, "share")} of the frame on average; pixel AP ${numberText(localization.pixelAP, "share")} (${intervalText(localization.pixelAPInterval, "share")}).</p>`;
  if (detection === null) return table + note;
  const negatives = htmlTable(
    [`${detection.positives} with, ${detection.negatives} without a visible source`, "AP", "Best F1"],
    (["presence", "located"] as const).flatMap((name) => [
      [
        name === "presence" ? "there is one" : "there is one, and it is shown (cIoU ≥ 0.5)",
        withInterval(detection[name].averagePrecision, "share", detection[name].intervals.averagePrecision),
        withInterval(detection[name].maxF1, "share", detection[name].intervals.maxF1),
      ],
      [
        "chance",
        numberText(detection.chance[name].averagePrecision, "share"),
        numberText(detection.chance[name].maxF1, "share"),
      ],
    ]),
  );
  return table + note + negatives;
}
