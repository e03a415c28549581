import { sameLabel } from "./labels.js";
import { manifestError } from "./manifest-error.js";
import { readRows } from "./rows.js";

/** The classes of a data set in their order, and the name that each written form of a label stands for. */
export type ClassLabels = { readonly names: readonly string[]; readonly nameOf: ReadonlyMap<string, string> };

/**
 * Reads a class list: CAV-MAE's and AudioSet's `index,mid,display_name` with a header, or one name per line. A label
 * may then be written as mid or as display name; items carry the display name. Indices count from 0, row by row.
 *
 * @throws KdcError naming line and column
 *
 * @example
 * ```ts
 * import { openManifest, readClassLabels } from "@kdc-mae/data/node";
 *
 * const classes = await readClassLabels("class_labels_indices.csv");
 * console.log(classes.names); // C names, in the list's order
 * const manifest = await openManifest("eval_segments.csv", { classes, mediaRoot: "videos" }); // mids become names
 * ```
 */
export async function readClassLabels(file: string): Promise<ClassLabels> {
  const names: string[] = [];
  const nameOf = new Map<string, string>();
  for await (const { line, cells } of readRows(file, { delimiter: "," })) {
    if (line === 1 && cells.includes("display_name")) continue;
    if (cells.length !== 1 && cells.length !== 3) {
      const remedy = "Give index,mid,display_name or one name per line";
      throw manifestError({ file, line }, `it has ${cells.length} columns`, remedy);
    }
    // A head's outputs stand in the order of the index, so a row out of it would be another class; a name with commas that
    // is not quoted would be taken for three cells.
    if (cells.length === 3 && cells[0] !== String(names.length)) {
      const what = `${JSON.stringify(cells[0])} stands where the index ${names.length} is expected`;
      const remedy = "Give all rows in the order of their index from 0 on, and names with commas in quotes";
      throw manifestError({ file, line, column: 1 }, what, remedy);
    }
    const name = sameLabel(cells.at(-1)!);
    names.push(name);
    for (const form of cells.slice(-2)) nameOf.set(sameLabel(form), name);
  }
  return { names, nameOf };
}
