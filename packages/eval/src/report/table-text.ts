import { visibleText } from "@kdc-mae/core";

type Rows = readonly (readonly string[])[];

/** Text that is nothing but text in Markdown: in a cell of a table, a heading, a paragraph. */
export const markdownCell = (text: string): string =>
  visibleText(
    text.replace(/\s+/g, " ").replace(/[|\\`*_>[\]]|<(?=\S)|&(?=[#a-zA-Z])/g, (character) => `\\${character}`),
  );

/** Lines as they are, in a block that none of them can end. */
export function markdownBlock(text: string): string {
  const longest = [...text.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${visibleText(text)}\n${fence}`;
}

/** A table as Markdown; its cells are text. */
export function markdownTable(head: readonly string[], rows: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownCell).join(" | ")} |`;
  return [line(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(line)].join("\n");
}

/**
 * Columns set under one another, for a terminal.
 *
 * @example
 * ```ts
 * import { alignedTable } from "@kdc-mae/eval/report";
 *
 * console.log(alignedTable([["", "R@1"], ["audio to visual", "52.1 %"], ["visual to audio", "49.8 %"]]));
 * ```
 */
export function alignedTable(rows: Rows): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
