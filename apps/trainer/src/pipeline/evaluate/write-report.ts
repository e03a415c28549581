import { join, resolve } from "node:path";
import { makeFolder, writeWhole } from "@kdc-mae/core/node";
import {
  alignedTable,
  headline,
  intervalText,
  numberText,
  overText,
  type ReportInput,
  reportHtml,
  reportJson,
  reportMarkdown,
} from "@kdc-mae/eval/report";

/** Writes report.html, report.md and report.json into a folder; returns the path of the page. */
export async function writeReport(folder: string, input: ReportInput): Promise<string> {
  await makeFolder(folder);
  await writeWhole(join(folder, "report.html"), reportHtml(input));
  await writeWhole(join(folder, "report.md"), reportMarkdown(input));
  await writeWhole(join(folder, "report.json"), `${reportJson(input)}\n`);
  return resolve(folder, "report.html");
}

/** The first table of the report as aligned text. */
export function headlineTable(input: ReportInput): string {
  const rows = headline(input).map(({ task, figure, kind, value, interval, over, baseline }) => [
    task,
    figure,
    numberText(value, kind),
    intervalText(interval, kind),
    overText(over),
    `${baseline.name} ${numberText(baseline.value, kind)}`,
  ]);
  return alignedTable([["task", "figure", "value", "95 %", "over", "baseline"], ...rows]);
}
