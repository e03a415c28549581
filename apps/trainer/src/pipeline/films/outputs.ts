import { existsSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { expectWritable, expectWritableFile } from "@kdc-mae/core/node";

/** Where something is written for every file, by place; undefined where nothing is asked for. */
export type Outputs = (index: number) => string | undefined;

/**
 * Names what is written for files. With one file `out` may be the file to write; otherwise it is a folder, in which each
 * is named after its file, with a number where two would be named alike.
 *
 * @param out a file that ends with `ending`, or a folder
 * @param naming the option `out` comes from, for errors; `ending` such as `.mp4`; what comes before it in a folder: `.heat`
 * @throws KdcError (`usage`) for one file name and several files, the name of a file that is read, or of another kind of file
 */
export function outputsFor(
  files: readonly string[],
  out: string | undefined,
  { option, ending, mark = "" }: { readonly option: string; readonly ending: string; readonly mark?: string },
): Outputs {
  if (out === undefined) return () => undefined;
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where: `${option} ${out}`, what, remedy, reason: "usage" });
  };
  const single = ending !== "" && out.toLowerCase().endsWith(ending);
  if (single && files.length > 1) {
    refuse(`there are ${files.length} files, and this names one to write`, "Give a folder, or one file at a time");
  }
  const other = extname(out);
  if (ending !== "" && !single && /^\.[a-z]{2,4}\d?$/i.test(other) && !existsSync(out) && !/[/\\]$/.test(out)) {
    refuse(
      `it ends with ${other}, and ${ending.slice(1)} is written`,
      `Give a name that ends with ${ending}, or a folder: ${out}/`,
    );
  }
  const stems = files.map((file) => basename(file, extname(file)));
  // Case is not told apart on many disks; a number that some file has by itself is passed over.
  const own = new Set(stems.map((stem) => stem.toLowerCase()));
  const taken = new Set<string>();
  const names = stems.map((stem) => {
    if (single) return out;
    let name = stem;
    for (let count = 2; taken.has(name.toLowerCase()); count++) {
      const numbered = `${stem}-${count}`;
      if (!own.has(numbered.toLowerCase())) name = numbered;
    }
    taken.add(name.toLowerCase());
    return join(out, `${name}${mark}${ending}`);
  });
  const read = new Set(files.map((file) => resolve(file)));
  const both = names.find((name) => read.has(resolve(name)));
  if (both !== undefined) refuse(`${both} is read, too`, "Give another name");
  return (index) => names[index];
}

/**
 * Asked before files are looked at, which may take hours.
 *
 * @param films names of files that will be written, `pictures` the folder that pictures go to or into whose folders they go
 * @throws KdcError for what cannot be written
 */
export async function expectOutputs(
  files: readonly string[],
  films: readonly Outputs[],
  pictures: string | undefined,
): Promise<void> {
  for (const nameOf of films) {
    for (const index of files.keys()) {
      const name = nameOf(index);
      if (name !== undefined) await expectWritableFile(name);
    }
  }
  if (pictures !== undefined) await expectWritable(pictures);
}
