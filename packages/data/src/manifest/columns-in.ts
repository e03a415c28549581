import type { ClipItem } from "@kdc-mae/core";

/**
 * What a record says beside what is read of a clip: columns of text, numbers, and yes or no. A list or an object is none,
 * nor is an empty cell; our own manifests and shards keep them under `columns`.
 *
 * @param known what is read of a clip
 */
export function columnsIn(
  written: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Pick<ClipItem, "columns"> {
  const { columns: kept } = written;
  const own = typeof kept === "object" && kept !== null && !Array.isArray(kept) ? Object.entries(kept) : [];
  const columns = [...Object.entries(written).filter(([name]) => name !== "" && !known.has(name)), ...own].flatMap(
    ([name, value]) => {
      if (!["string", "number", "boolean"].includes(typeof value)) return [];
      const text = String(value).normalize("NFC").trim();
      return text === "" ? [] : [[name.trim().toLowerCase(), text] as const];
    },
  );
  return columns.length === 0 ? {} : { columns: Object.fromEntries(columns) };
}
