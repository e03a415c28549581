import { opendir } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { fileError } from "@kdc-mae/core/node";
import type { PassOver } from "./passed-over.js";

const endings = new Set(
  "mp4 m4v mov mkv webm avi flv f4v wmv asf mpg mpeg ts mts m2ts 3gp 3g2 ogv ogg mxf vob gif ivf h264 264 h265 265 hevc wav aiff aif au mp3 m4a mka aac ac3 eac3 flac opus oga amr".split(
    " ",
  ),
);

const pictures = new Set("jpg jpeg png webp ppm".split(" "));

const shard = /^shard-\d+\.tar$/;

/** One folder's media, and where the folder lies below the root. */
export type MediaFolder = {
  /** Names from the root down, none for the root itself. */
  readonly parts: readonly string[];
  /** Names of files that by their endings may be media, sorted. */
  readonly files: readonly string[];
  /** Holds shards that `prepare` made, and neither media nor folders. */
  readonly prepared: boolean;
};

/**
 * Goes through a folder in the order of its names, a folder's own files first. Every command that reads a folder reads
 * it so: hidden names, links to folders, what is no file and files of other endings are passed over, each told of.
 *
 * @param options `stills`: pictures are media too
 * @throws KdcError for a folder that cannot be read
 */
export async function* walkMedia(
  root: string,
  passOver: PassOver = () => undefined,
  { parts = [], stills = false }: { readonly parts?: readonly string[]; readonly stills?: boolean } = {},
): AsyncGenerator<MediaFolder> {
  const folder = join(root, ...parts);
  const [files, folders]: [string[], string[]] = [[], []];
  let shards = 0;
  const pass = (reason: string, name: string) => passOver(reason, relative(root, join(folder, name)));
  try {
    for await (const entry of await opendir(folder)) {
      const { name } = entry;
      const ending = extname(name).slice(1).toLowerCase();
      if (name.startsWith(".")) pass("hidden", name);
      else if (entry.isDirectory()) folders.push(name);
      else if (shard.test(name) && ++shards) pass("prepared shard", name);
      else if ((endings.has(ending) || (stills && pictures.has(ending))) && (entry.isFile() || entry.isSymbolicLink()))
        files.push(name);
      else if (entry.isSymbolicLink() && ending === "") pass("link to a folder, or without ending", name);
      else
        pass(entry.isFile() || entry.isSymbolicLink() ? (ending === "" ? "no ending" : `.${ending}`) : "no file", name);
    }
  } catch (error) {
    throw fileError("read", folder, error);
  }
  yield { parts, files: files.sort(), prepared: shards > 0 && files.length + folders.length === 0 };
  for (const name of folders.sort()) yield* walkMedia(root, passOver, { parts: [...parts, name], stills });
}
