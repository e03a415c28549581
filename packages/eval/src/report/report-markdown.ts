import { printProtocol } from "../protocol.js";
import { beatsBaseline, headline } from "./headline.js";
import { durationText, intervalText, numberText } from "./number-text.js";
import type { ReportInput } from "./report-input.js";
import { protocolsOf } from "./report-record.js";
import { markdownBlock, markdownCell, markdownTable } from "./table-text.js";
import { warningsOf } from "./warnings.js";

function headlineSection(input: ReportInput): string {
  const rows = headline(input).map((row) => [
    row.task,
    row.figure,
    numberText(row.value, row.kind),
    intervalText(row.interval, row.kind),
    `${row.baseline.name}: ${numberText(row.baseline.value, row.kind)}`,
    beatsBaseline(row) ? "better" : "not better",
  ]);
  return rows.length === 0
    ? "Nothing was evaluated."
    : markdownTable(["Task", "Figure", "Value", "95 % interval", "Baseline", "Against it"], rows);
}

function dataSection({ dataset, seconds, engine }: ReportInput): string {
  const left = Object.entries(dataset.leftOut).map(([reason, count]) => `${count} × ${reason}`);
  return markdownTable(
    ["", ""],
    [
      ["training clips", String(dataset.train)],
      ...(dataset.validation === undefined ? [] : [["validation clips", String(dataset.validation)]]),
      ["test clips", String(dataset.test)],
      ["kinds", `${dataset.kinds.length}: ${dataset.kinds.join(", ")}`],
      ["left out", left.length === 0 ? "none" : left.join(", ")],
      ["engine", engine],
      ...Object.entries(seconds).map(([phase, value]) => [phase, durationText(value)]),
    ],
  );
}

function classSection({ classification }: ReportInput): string {
  if (classification === undefined) return "";
  const modes = ["joint", "audio", "visual"] as const;
  const figures = markdownTable(
    ["Mode", "Accuracy", "mAP", "AUC", "d-prime", "Calibration error"],
    modes.map((mode) => {
      const { accuracy, mAP, auc, dPrime, calibration } = classification[mode];
      return [
        mode,
        numberText(accuracy, "share"),
        numberText(mAP, "share"),
        numberText(auc, "share"),
        numberText(dPrime, "error"),
        numberText(calibration.error, "share"),
      ];
    }),
  );
  const kinds = markdownTable(
    ["Kind", "Clips", ...modes.map((mode) => `Recall, ${mode}`), "AP, joint"],
    classification.joint.kinds.map((row, index) => [
      row.kind,
      String(row.positives),
      ...modes.map((mode) => numberText(classification[mode].kinds[index].recall, "share")),
      numberText(row.averagePrecision, "share"),
    ]),
  );
  return `## Classification\n\n${figures}\n\n${kinds}`;
}

function maskSection({ inpainting }: ReportInput): string {
  if (inpainting === undefined || inpainting.length < 2) return "";
  const rows = inpainting.flatMap((result) =>
    (["audio", "visual"] as const).map((modality) => {
      const { mse, meanFill, psnr, meanFillPsnr } = result[modality];
      return [
        `${result.mask}, ${numberText(result.ratio[modality], "share")}`,
        modality,
        numberText(mse, "error"),
        numberText(meanFill, "error"),
        numberText(psnr, "decibel"),
        numberText(meanFillPsnr, "decibel"),
      ];
    }),
  );
  return `## Inpainting by mask\n\n${markdownTable(["Mask", "Modality", "Error", "Mean fill", "PSNR", "Mean fill PSNR"], rows)}`;
}

/** The report as Markdown: tables, warnings and the protocols in full; no pictures. */
export function reportMarkdown(input: ReportInput): string {
  const warnings = warningsOf(input).map((warning) => `- ${markdownCell(warning)}`);
  const settings = input.settings ?? [];
  const parts = [
    `# ${markdownCell(input.title)}`,
    markdownCell(input.summary ?? ""),
    headlineSection(input),
    warnings.length === 0 ? "" : `## To be read with care\n\n${warnings.join("\n")}`,
    classSection(input),
    maskSection(input),
    `## Data and time\n\n${dataSection(input)}`,
    settings.length === 0 ? "" : `## Settings\n\n${markdownTable(["", ""], settings)}`,
    `## Protocols\n\n${protocolsOf(input)
      .map((protocol) => markdownBlock(printProtocol(protocol)))
      .join("\n\n")}`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
