import { stat } from "node:fs/promises";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { walkMedia } from "@kdc-mae/data/node";

/** A file that may be indexed. `file` is its path below the folder, with `/`. */
export type Candidate = { readonly file: string; readonly size: number; readonly modified: number };

/** What lies in a folder: files to look into, and how many were passed by for their names. */
export type Scan = { readonly candidates: readonly Candidate[]; readonly passedBy: Readonly<Record<string, number>> };

/**
 * Every media file below a folder, as `survey` and `prepare` find them, and every picture, in the order of their paths. Hidden files and
 * folders are not looked at, links to folders not followed; what is passed by is counted by its ending.
 *
 * @throws KdcError (`missing`) when there is no such folder
 */
export async function scanFolder(folder: string): Promise<Scan> {
  const top = await stat(folder).catch(() => undefined);
  if (!top?.isDirectory()) {
    throw new KdcError({
      where: `folder ${folder}`,
      what: top === undefined ? "there is no such folder" : "it is not a folder",
      remedy: "Give the folder that holds the clips",
      reason: "missing",
    });
  }
  const candidates: Candidate[] = [];
  const passedBy: Record<string, number> = {};
  const passOver = (reason: string) => {
    passedBy[reason] = (passedBy[reason] ?? 0) + 1;
  };
  for await (const { parts, files } of walkMedia(folder, passOver, { stills: true })) {
    for (const name of files) {
      const file = [...parts, name].join("/");
      // A link to nowhere has no size; reading it will say so.
      const found = await stat(join(folder, file)).catch(() => undefined);
      candidates.push({ file, size: found?.size ?? -1, modified: found?.mtimeMs ?? -1 });
    }
  }
  candidates.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { candidates, passedBy };
}
