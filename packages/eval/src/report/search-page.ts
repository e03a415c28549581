import { htmlPage } from "./html-page.js";
import { escapeHtml } from "./html-text.js";
import { type PlayedFile, player } from "./player.js";

/** A question and what was found, nearest first. */
export type SearchPage = {
  readonly title: string;
  /** One sentence: what was compared with what. */
  readonly summary: string;
  readonly query: PlayedFile;
  /** `time`: which stretch of it was found, in words. */
  readonly found: readonly (PlayedFile & { readonly cosine: number; readonly time?: string })[];
};

const card = (heading: string, file: PlayedFile, className = "") =>
  `<figure class="hit ${className}">${player(file)}<figcaption><b>${heading}</b> ${escapeHtml(file.label)}</figcaption></figure>`;

const grid = `
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1.25rem; margin: 1.5rem 0 0; }
.hit video, .hit img, .hit audio { display: block; width: 100%; border-radius: 6px; background: var(--rule); }
.hit video, .hit img { aspect-ratio: 1; object-fit: contain; }
.hit figcaption { margin-top: .4rem; overflow-wrap: anywhere; } .hit b { color: var(--mark); }
.asked { max-width: 20rem; } .asked b { color: var(--base); }
`;

/**
 * A search as one HTML page with players for the files where they lie. It loads nothing from a network, and has no
 * script.
 */
export function searchHtml({ title, summary, query, found }: SearchPage): string {
  const cards = found.map((one, index) =>
    card([`${index + 1}`, one.cosine.toFixed(3), ...(one.time ? [one.time] : [])].join(" · "), one),
  );
  return htmlPage({
    title,
    lead: `<p>${escapeHtml(summary)}</p>`,
    body: `${card("asked", query, "asked")}\n<div class="hits">${cards.join("")}</div>`,
    css: grid,
    sources: "img-src 'self' file:; media-src 'self' file:",
  });
}
