import { createReadStream } from "node:fs";
import { fileError } from "@kdc-mae/core/node";
import { CsvError, parse } from "csv-parse";
import { beginningOf } from "./beginning.js";
import { manifestError } from "./manifest-error.js";

export type Row = { readonly line: number; readonly cells: readonly string[] };

/** What stands between cells: what spreadsheets of some countries write instead of commas is found in the first line. */
export function delimiterOf(text: string): "," | ";" | "\t" {
  const first = text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0];
  const bare = first.replace(/"[^"]*"/g, "");
  if (bare.includes(",")) return ",";
  return bare.includes("\t") ? "\t" : bare.includes(";") ? ";" : ",";
}

/**
 * The rows of a CSV file as a stream, without empty lines. A row may begin with anything: `#` is no comment, except in
 * AudioSet's lists, whose heading is made of them.
 *
 * @throws KdcError naming the line
 */
export async function* readRows(
  file: string,
  { heading, delimiter }: { readonly heading?: "#"; readonly delimiter?: "," } = {},
): AsyncGenerator<Row> {
  const between = delimiter ?? delimiterOf(await beginningOf(file));
  const source = createReadStream(file);
  const parser = parse({
    ...(heading === undefined ? {} : { comment: heading, comment_no_infix: true }),
    ...{ bom: true, trim: true, skip_empty_lines: true, info: true, delimiter: between },
    ...{ relax_column_count: true, max_record_size: 2 ** 20 },
  });
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  let line = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      line = info.lines;
      yield { line, cells: record };
    }
  } catch (error) {
    if (error instanceof CsvError) {
      const remedy = 'Check its quotes: a cell with a comma or a quote is written "like ""this"""';
      throw manifestError(
        { file, line: Number(error.lines ?? line + 1) },
        error.message.replace(/ at line.*$/, ""),
        remedy,
      );
    }
    throw fileError("read", file, error);
  } finally {
    source.destroy();
  }
}
