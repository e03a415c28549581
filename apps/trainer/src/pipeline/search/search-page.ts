import { dirname, isAbsolute, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isPicture } from "@kdc-mae/data/node";
import type { SearchPage } from "@kdc-mae/eval/report";
import type { SearchAnswer } from "./find-clips.js";

/** The address of a file as a page in another place reaches it: relative, unless they are on different drives. */
function addressFrom(page: string, file: string): string {
  const way = relative(dirname(resolve(page)), resolve(file));
  if (isAbsolute(way)) return pathToFileURL(resolve(file)).href;
  const parts = way.split(/[\\/]/).map(encodeURIComponent);
  return parts[0] === ".." ? parts.join("/") : `./${parts.join("/")}`;
}

const words = { audio: "sound", visual: "picture", joint: "sound and picture together" } as const;

/** An answer as a page shows it. */
export function searchPage(answer: SearchAnswer, page: string): SearchPage {
  const { file, by, among, found, clips, model } = answer;
  const kind = isPicture(file)
    ? "picture"
    : by === "audio" && /\.(wav|mp3|ogg|oga|m4a|flac|aac|opus)$/i.test(file)
      ? "sound"
      : "film";
  return {
    title: "Nearest clips",
    summary: `${clips} clips compared by ${by === among ? words[by] : `${words[by]} with ${words[among]}`}, by the model ${model}.`,
    query: { label: file, kind, address: addressFrom(page, file) },
    found: found.map((one) => ({
      label: one.file,
      cosine: one.cosine,
      kind: "film" as const,
      address: addressFrom(page, one.path),
    })),
  };
}
