import { basename, extname, join, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";

/** Where something is written for every file, by place; undefined where nothing is asked for. */
export type Outputs = (index: number) => string | undefined;

/**
 * Names what is written for files. With one file `out` may be the file to write; otherwise it is a folder, in which each
 * is named after its file, with a number where two would be named alike.
 *
 * @param out a file that ends with `ending`, or a folder
 * @param naming `ending` such as `.mp4`, and what comes before it in a folder: `.heat`
 * @throws KdcError (`usage`) for one file name and several files, or the name of a file that is read
 */
export function outputsFor(
  files: readonly string[],
  out: string | undefined,
  { ending, mark = "" }: { readonly ending: string; readonly mark?: string },
): Outputs {
  if (out === undefined) return () => undefined;
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where: `--out ${out}`, what, remedy, reason: "usage" });
  };
  const single = ending !== "" && out.toLowerCase().endsWith(ending);
  if (single && files.length > 1) {
    refuse(`there are ${files.length} files, and this names one to write`, "Give a folder, or one file at a time");
  }
  const taken = new Map<string, number>();
  const names = files.map((file) => {
    if (single) return out;
    const stem = `${basename(file, extname(file))}${mark}`;
    const before = taken.get(stem) ?? 0;
    taken.set(stem, before + 1);
    return join(out, `${stem}${before === 0 ? "" : `-${before + 1}`}${ending}`);
  });
  const read = new Set(files.map((file) => resolve(file)));
  const both = names.find((name) => read.has(resolve(name)));
  if (both !== undefined) refuse(`${both} is read, too`, "Give another name");
  return (index) => names[index];
}
