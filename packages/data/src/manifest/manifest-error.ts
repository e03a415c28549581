import { KdcError } from "@kdc-mae/core";

/** Where in a manifest: lines and columns count from 1; a column may have a name. */
export type Place = { readonly file: string; readonly line: number; readonly column?: string | number };

/** The error of a manifest that cannot be read, naming file, line and column. */
export function manifestError({ file, line, column }: Place, what: string, remedy: string): KdcError {
  const at = column === undefined ? "" : `, column ${typeof column === "number" ? column : `"${column}"`}`;
  return new KdcError({ where: `manifest ${file}, line ${line}${at}`, what, remedy, reason: "manifest" });
}
