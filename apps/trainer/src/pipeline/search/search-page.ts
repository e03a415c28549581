import { dirname, isAbsolute, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isPicture } from "@kdc-mae/data/node";
import type { SearchPage } from "@kdc-mae/eval/report";
import { clockText } from "@kdc-mae/eval/report";
import type { SearchAnswer } from "./find-clips.js";

/** The address of a file as a page in another place reaches it: relative, unless they are on different drives. */
export function addressFrom(page: string, file: string): string {
  const way = relative(dirname(resolve(page)), resolve(file));
  if (isAbsolute(way)) return pathToFileURL(resolve(file)).href;
  const parts = way.split(/[\\/]/).map(encodeURIComponent);
  return parts[0] === ".." ? parts.join("/") : `./${parts.join("/")}`;
}

const words = { audio: "sound", visual: "picture", joint: "sound and picture together" } as const;

/** How a file is played: by its name. */
export const kindOf = (file: string): "picture" | "sound" | "film" =>
  isPicture(file)
    ? "picture"
    : /\.(wav|mp3|ogg|oga|m4a|mka|flac|aac|ac3|aiff?|au|amr|opus)$/i.test(file)
      ? "sound"
      : "film";

/** An answer as a page shows it: each player begins at the moment that was found. */
export function searchPage(answer: SearchAnswer, page: string): SearchPage {
  const { file, by, among, found, compared, model } = answer;
  return {
    title: "Nearest moments",
    summary: `${compared} clips compared by ${by === among ? words[by] : `${words[by]} with ${words[among]}`}, by the model ${model}.`,
    query: { label: file, kind: kindOf(file), address: addressFrom(page, file) },
    found: found.map(({ file, path, cosine, best, start, end }) => ({
      ...{ label: file, cosine, kind: kindOf(file), address: addressFrom(page, path) },
      ...(end > 0 ? { from: best.start, time: `${clockText(start)}–${clockText(end)}` } : {}),
    })),
  };
}
