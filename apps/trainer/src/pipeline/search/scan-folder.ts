import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { KdcError } from "@kdc-mae/core";

/** Names of files that may hold sound and picture. */
const mediaNames = new Set(
  "mp4 m4v mov mkv webm avi mpg mpeg ts m2ts mts flv f4v wmv asf ogv 3gp 3g2 mxf vob"
    .split(" ")
    .map((name) => `.${name}`),
);

/** A file that may be indexed. `file` is its path below the folder, with `/`. */
export type Candidate = { readonly file: string; readonly size: number; readonly modified: number };

/** What lies in a folder: files to look into, and how many were passed by for their names. */
export type Scan = { readonly candidates: readonly Candidate[]; readonly passedBy: Readonly<Record<string, number>> };

/**
 * Every film below a folder, in the order of their paths. Hidden files and folders are not looked at, links to folders
 * not followed.
 *
 * @throws KdcError (`missing`) when there is no such folder
 */
export async function scanFolder(folder: string): Promise<Scan> {
  const candidates: Candidate[] = [];
  const passedBy: Record<string, number> = {};
  const visit = async (below: string): Promise<void> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".")) continue;
      const file = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await visit(file);
      else if (mediaNames.has(extname(entry.name).toLowerCase())) {
        // A link to nowhere has no size; reading it will say so.
        const found = await stat(join(folder, file)).catch(() => undefined);
        candidates.push({ file, size: found?.size ?? -1, modified: found?.mtimeMs ?? -1 });
      } else {
        const name = extname(entry.name).toLowerCase() || "no extension";
        passedBy[name] = (passedBy[name] ?? 0) + 1;
      }
    }
  };
  const top = await stat(folder).catch(() => undefined);
  if (!top?.isDirectory()) {
    throw new KdcError({
      where: `folder ${folder}`,
      what: top === undefined ? "there is no such folder" : "it is not a folder",
      remedy: "Give the folder that holds the clips",
      reason: "missing",
    });
  }
  await visit("");
  return { candidates, passedBy };
}
