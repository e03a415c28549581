import { escapeHtml } from "./html-text.js";

/** A file in a page's player. `address` is relative to the page, or a `file:` address. */
export type PlayedFile = {
  readonly label: string;
  readonly kind: "film" | "sound" | "picture";
  readonly address: string;
  /** Where the player begins, seconds. */
  readonly from?: number;
};

/** A player of a file, or the picture itself. */
export function player({ kind, address, label, from = 0 }: PlayedFile): string {
  // A media fragment: players begin there without a script.
  const [source, name] = [escapeHtml(from > 0 ? `${address}#t=${from}` : address), escapeHtml(label)];
  if (kind === "picture") return `<img src="${source}" alt="${name}" loading="lazy">`;
  return kind === "sound"
    ? `<audio controls preload="none" src="${source}" title="${name}"></audio>`
    : `<video controls playsinline preload="metadata" src="${source}" title="${name}"></video>`;
}
