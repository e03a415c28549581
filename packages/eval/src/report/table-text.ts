type Rows = readonly (readonly string[])[];

/** Text safe inside a cell of a Markdown table. */
export const markdownCell = (text: string): string =>
  text.replace(/[|\\`*_>[\]]|<(?=\S)/g, (character) => `\\${character}`).replace(/\s+/g, " ");

/** A table as Markdown; its cells are text. */
export function markdownTable(head: readonly string[], rows: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownCell).join(" | ")} |`;
  return [line(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(line)].join("\n");
}

/** Columns set under one another, for a terminal. */
export function alignedTable(rows: Rows): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
