import type { MediaRoot } from "./confine.js";
import { columnsNamed, itemFromRecord, type WrittenItem } from "./item-from-record.js";
import type { Naming } from "./labels.js";
import { readLines } from "./lines.js";
import { manifestError } from "./manifest-error.js";
import type { Entry } from "./manifest-item.js";

/** One JSON object per line, with the fields of a `ManifestItem`. @throws KdcError naming line and field */
export async function* readJsonLines(file: string, media: MediaRoot, naming: Naming): AsyncGenerator<Entry> {
  for await (const { line, text } of readLines(file)) {
    if (text.trim() === "") continue;
    const at = { file, line };
    const record = parseRecord(text, at);
    const columns = columnsNamed(Object.keys(record), at);
    const values = Object.values(record);
    const written = Object.fromEntries(columns.map((name, index) => [name, values[index]]));
    yield itemFromRecord(written, at, media, naming);
  }
}

/** One JSON object. @throws KdcError with the column where it breaks, as far as that is known */
export function parseRecord(text: string, at: { readonly file: string; readonly line: number }): WrittenItem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = (error as Error).message;
    const position = /position (\d+)/.exec(message)?.[1];
    const column = position === undefined ? undefined : Number(position) + 1;
    throw manifestError(
      { ...at, column },
      `it is not JSON (${message.slice(0, 120)})`,
      "Write one JSON object per line",
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as WrittenItem;
  throw manifestError(at, "it is not a JSON object", 'Write one object per line, such as {"path": "a.mp4"}');
}
