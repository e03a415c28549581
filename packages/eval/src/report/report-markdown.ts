import { printProtocol } from "../protocol.js";
import { type Cell, classificationGrid, type Grid, inpaintingGrid } from "./figure-grid.js";
import { headline, verdictOf } from "./headline.js";
import { durationText, intervalText, numberText, overText } from "./number-text.js";
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
    overText(row.over),
    `${row.baseline.name}: ${numberText(row.baseline.value, row.kind)}`,
    verdictOf(row),
  ]);
  return rows.length === 0
    ? "Nothing was evaluated."
    : markdownTable(["Task", "Figure", "Value", "95 % interval", "Over", "Baseline", "Against it"], rows);
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

/** A figure with its interval, where it has one. */
function cellText(cell: Cell): string {
  if (typeof cell === "string") return cell;
  const interval = intervalText(cell.interval, cell.kind);
  return `${numberText(cell.value, cell.kind)}${interval === "" ? "" : ` (${interval})`}`;
}

/** A grid of figures, each with its interval. */
const gridTable = ({ head, rows }: Grid): string =>
  markdownTable(
    head,
    rows.map((row) => row.map(cellText)),
  );

function classSection(input: ReportInput): string {
  const { classification } = input;
  const grid = classificationGrid(input);
  if (classification === undefined || grid === undefined) return "";
  const modes = ["joint", "audio", "visual"] as const;
  const kinds = markdownTable(
    ["Kind", "Clips", ...modes.map((mode) => `Recall, ${mode}`), "AP, joint"],
    classification.joint.kinds.map((row, index) => [
      row.kind,
      String(row.positives),
      ...modes.map((mode) => numberText(classification[mode].kinds[index].recall, "share")),
      numberText(row.averagePrecision, "share"),
    ]),
  );
  return `## Classification\n\n${gridTable(grid)}\n\n${kinds}`;
}

function maskSection(input: ReportInput): string {
  const grid = inpaintingGrid(input);
  if (grid === undefined || (input.inpainting ?? []).length < 2) return "";
  return `## Inpainting by mask\n\n${gridTable(grid)}`;
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
