import type { MediaRoot } from "./confine.js";
import { columnNamed, columnsNamed, itemFromRecord } from "./item-from-record.js";
import type { Naming } from "./labels.js";
import { manifestError } from "./manifest-error.js";
import type { Entry } from "./manifest-item.js";
import { type Row, readRows } from "./rows.js";

const columns = ["id", "path", "start", "end", "labels", "split"];

/** The rows of a CSV below its header, each as a record. @throws KdcError naming the line, for rows of another length */
export async function* readRecords(
  file: string,
  needs: string,
  nameOf: (column: string) => string,
  remedy: string,
): AsyncGenerator<{ readonly line: number; readonly record: Readonly<Record<string, string>> }> {
  let header: readonly string[] | undefined;
  for await (const { line, cells } of readRows(file)) {
    if (!header) {
      header = columnsNamed(cells, { file, line }, nameOf);
      if (!header.includes(needs)) {
        const what = `the header has no "${needs}" but ${cells.map((name) => `"${name}"`).join(", ")}`;
        throw manifestError({ file, line }, what, remedy);
      }
      continue;
    }
    yield { line, record: recordOf({ line, cells }, header, file) };
  }
}

function recordOf({ line, cells }: Row, header: readonly string[], file: string): Readonly<Record<string, string>> {
  if (cells.length === header.length) return Object.fromEntries(header.map((name, index) => [name, cells[index]]));
  const column = header[Math.min(cells.length, header.length - 1)];
  const what = `there are ${cells.length} cells and the header has ${header.length}`;
  throw manifestError({ file, line, column }, what, "Give every row one cell per column");
}

/** A CSV with a header: `path`, and where wanted `id`, `start`, `end`, `labels` (`;` between them), `split`; others are kept as `columns`. */
export async function* readTable(file: string, media: MediaRoot, naming: Naming): AsyncGenerator<Entry> {
  const remedy = `Name the columns, of ${columns.join(", ")}, in the first line`;
  for await (const { line, record } of readRecords(file, "path", columnNamed, remedy)) {
    yield itemFromRecord(record, { file, line }, media, naming);
  }
}
