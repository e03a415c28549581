import { createReadStream } from "node:fs";
import { fileError } from "@kdc-mae/core/node";
import { CsvError, parse } from "csv-parse";
import { manifestError } from "./manifest-error.js";

export type Row = { readonly line: number; readonly cells: readonly string[] };

/** The rows of a CSV file as a stream; empty lines and lines that begin with # are left out. @throws KdcError naming the line */
export async function* readRows(file: string): AsyncGenerator<Row> {
  const source = createReadStream(file);
  const parser = parse({
    ...{ bom: true, comment: "#", comment_no_infix: true, trim: true, skip_empty_lines: true, info: true },
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
