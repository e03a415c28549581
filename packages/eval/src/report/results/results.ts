import { overOf } from "../../figures.js";
import { printProtocol } from "../../protocol.js";
import { confusionMatrix } from "../charts/confusion-matrix.js";
import { htmlPage } from "../html-page.js";
import { escapeHtml, htmlTable } from "../html-text.js";
import { inRecordings, intervalText, numberText, overText } from "../number-text.js";
import { alignedTable, markdownBlock, markdownCell, markdownTable } from "../table-text.js";
import type { ResultSection, ResultTable } from "./section.js";

/** Results under their protocols, with what was evaluated. */
export type Results = {
  readonly title: string;
  /** The model, the data, the engine …, line by line. */
  readonly about: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly ResultSection[];
  /** Protocols that gave no figures; left out where all did. */
  readonly failed?: readonly FailedProtocol[];
};

/** A protocol that could not be carried out, and why. */
export type FailedProtocol = { readonly protocol: string; readonly message: string };

const head = ["figure", "value", "95 %", "over", "baseline"] as const;

type Shown = ResultSection["figures"][number];

const figureRow =
  (section: ResultSection) =>
  (shown: Shown): readonly string[] => [
    shown.name,
    numberText(shown.value, shown.kind),
    intervalText(shown.interval, shown.kind),
    overText(overOf(shown, section)),
    shown.baseline === undefined ? "" : `${shown.baseline.name} ${numberText(shown.baseline.value, shown.kind)}`,
  ];

/** Figures by group as a table: a line for each group, then one for the largest gap. */
function groupTable({ by, figures, leftOut }: NonNullable<ResultSection["groups"]>): ResultTable {
  const rows = figures.flatMap(({ name, kind, groups, gap }) => [
    ...groups.map(({ group, clips, recordings, value, interval }) => [
      ...[name, group, recordings === undefined ? String(clips) : `${clips} in ${inRecordings(recordings)}`],
      ...[numberText(value, kind), intervalText(interval, kind), ""],
    ]),
    gap === undefined
      ? [name, "largest gap", "", "–", "", ""]
      : [
          name,
          gap.gap === 0 ? "largest gap: all groups alike" : `largest gap: ${gap.highest} − ${gap.lowest}`,
          "",
          numberText(gap.gap, kind),
          "",
          pText(gap.p),
        ],
  ]);
  const left = Object.entries(leftOut).map(([reason, count]) => `, ${count} clips left out: ${reason}`);
  return {
    title: `By ${by}; intervals over the clips of a group, p by permutation, of each figure alone${left.join("")}`,
    head: ["figure", by, "clips", "value", "95 %", "p"],
    rows,
  };
}

const pText = (p: number): string => (p < 0.001 ? p.toExponential(0) : p.toFixed(3));

/** Every table of a section. */
const tablesOf = ({ tables, groups }: ResultSection): readonly ResultTable[] => [
  ...(groups === undefined ? [] : [groupTable(groups)]),
  ...tables,
];

/** How many clips, and which were not among them. */
function counted(section: ResultSection): string {
  const { evaluated, recordings, leftOut, figures } = section;
  const left = Object.entries(leftOut).map(([reason, count]) => `${count} × ${reason}`);
  const parts = recordings === undefined ? "" : ` in ${inRecordings(recordings)}`;
  const isDrawn = figures.some((figure) => (overOf(figure, section).recordings ?? 1) > 1);
  const drawn = isDrawn ? ", intervals by recording" : "";
  return `${evaluated} clips${parts} evaluated${drawn}; left out: ${left.length === 0 ? "none" : left.join(", ")}`;
}

const groupLines = ({ title, head, rows }: ResultTable): string =>
  [title, "", alignedTable([head, ...rows])].join("\n");

/** For a terminal: each protocol in full, then its figures. */
export function resultsText({ title, about, sections, failed = [] }: Results): string {
  const blocks = sections.map((section) =>
    [
      printProtocol(section.protocol),
      counted(section),
      ...section.warnings.map((warning) => `warning: ${warning}`),
      "",
      alignedTable([head, ...section.figures.map(figureRow(section))]),
      ...(section.groups === undefined ? [] : ["", groupLines(groupTable(section.groups))]),
    ].join("\n"),
  );
  const lost = failed.map(({ protocol, message }) => `failed: ${protocol}: ${message}`);
  return [title, alignedTable(about), ...blocks, ...lost].join("\n\n");
}

const confusionTable = ({ kinds, counts }: NonNullable<ResultSection["confusion"]>): ResultTable => ({
  title: "Confusion: true class by row, said class by column",
  head: ["", ...kinds],
  rows: kinds.map((kind, row) => [kind, ...counts[row].map(String)]),
});

/** As Markdown, complete. */
export function resultsMarkdown({ title, about, sections, failed = [] }: Results): string {
  const blocks = sections.map((section) => {
    const tables = [
      ...tablesOf(section),
      ...(section.confusion === undefined ? [] : [confusionTable(section.confusion)]),
    ];
    return [
      `## ${markdownCell(section.protocol.name)}`,
      `${markdownCell(counted(section))}.`,
      ...(section.warnings.length === 0
        ? []
        : [section.warnings.map((warning) => `- **Read with care**: ${markdownCell(warning)}`).join("\n")]),
      markdownTable(head, section.figures.map(figureRow(section))),
      markdownBlock(printProtocol(section.protocol)),
      ...tables.map((table) => `### ${markdownCell(table.title)}\n\n${markdownTable(table.head, table.rows)}`),
    ].join("\n\n");
  });
  const lost = failed.map(
    ({ protocol, message }) => `## ${markdownCell(protocol)}\n\n**Failed**: ${markdownCell(message)}`,
  );
  return `${[`# ${markdownCell(title)}`, markdownTable(["", ""], about), ...blocks, ...lost].join("\n\n")}\n`;
}

const tableOf = (names: readonly string[], rows: readonly (readonly string[])[]) =>
  htmlTable(
    names.map(escapeHtml),
    rows.map((row) => row.map(escapeHtml)),
  );

/** As one page that needs no network. */
export function resultsHtml({ title, about, sections, failed = [] }: Results): string {
  const blocks = sections.map((section) => {
    const warnings = section.warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join("");
    const tables = tablesOf(section).map(
      (table) => `<details><summary>${escapeHtml(table.title)}</summary>${tableOf(table.head, table.rows)}</details>`,
    );
    return `<h2 id="${escapeHtml(section.protocol.name)}">${escapeHtml(section.protocol.name)}</h2>
${warnings === "" ? "" : `<aside class="care"><strong>To be read with care</strong><ul>${warnings}</ul></aside>`}
${tableOf(head, section.figures.map(figureRow(section)))}
<p class="note">${escapeHtml(counted(section))}.</p>
<pre>${escapeHtml(printProtocol(section.protocol))}</pre>
${section.confusion === undefined ? "" : confusionMatrix(section.confusion.kinds, section.confusion.counts)}
${tables.join("\n")}`;
  });
  const lost = failed.map(
    ({ protocol, message }) =>
      `<h2>${escapeHtml(protocol)}</h2><aside class="care"><strong>Failed</strong> ${escapeHtml(message)}</aside>`,
  );
  return htmlPage({
    title,
    body: `<div class="pairs">${tableOf(["", ""], about)}</div>\n${[...blocks, ...lost].join("\n")}`,
  });
}

/** As JSON text: the same content, with every protocol in full. */
export function resultsJson({ title, about, sections, failed }: Results): string {
  return `${JSON.stringify({ title, about: Object.fromEntries(about), results: sections, failed }, null, 2)}\n`;
}
