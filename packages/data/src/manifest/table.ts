import type { MediaRoot } from "./confine.js";
import { itemFromRecord, type Naming } from "./item-from-record.js";
import { manifestError } from "./manifest-error.js";
import type { ManifestItem } from "./manifest-item.js";
import { readRows } from "./rows.js";

const columns = ["id", "path", "start", "end", "labels", "split"];
const otherNames: Readonly<Record<string, string>> = { label: "labels", file: "path", video: "path" };

/** A CSV with a header: `path`, and where wanted `id`, `start`, `end`, `labels` (`;` between them), `split`; others are passed over. */
export async function* readTable(file: string, media: MediaRoot, naming: Naming): AsyncGenerator<ManifestItem> {
  let header: readonly string[] | undefined;
  for await (const { line, cells } of readRows(file)) {
    if (!header) {
      header = cells.map((name) => otherNames[name.toLowerCase()] ?? name.toLowerCase());
      if (!header.includes("path")) {
        const what = `the header has no "path" but ${cells.map((name) => `"${name}"`).join(", ")}`;
        throw manifestError({ file, line }, what, `Name the columns, of ${columns.join(", ")}, in the first line`);
      }
      continue;
    }
    if (cells.length !== header.length) {
      const column = header[Math.min(cells.length, header.length - 1)];
      const what = `there are ${cells.length} cells and the header has ${header.length}`;
      throw manifestError({ file, line, column }, what, "Give every row one cell per column");
    }
    const written = Object.fromEntries(header.map((name, index) => [name, cells[index]]));
    yield itemFromRecord(written, { file, line }, media, naming);
  }
}
