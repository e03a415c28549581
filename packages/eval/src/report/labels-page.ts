import { htmlPage } from "./html-page.js";
import { escapeHtml, htmlTable } from "./html-text.js";
import { clockText, numberText } from "./number-text.js";
import { type PlayedFile, player } from "./player.js";

type Labels = readonly { readonly label: string; readonly probability: number }[];

/** A file with the labels of the whole and of stretches of it. */
export type LabelledFile = PlayedFile & {
  /** How it was looked at, in a few words. */
  readonly note: string;
  readonly labels: Labels;
  /** Seconds; in time order. */
  readonly stretches: readonly { readonly start: number; readonly end: number; readonly labels: Labels }[];
};

/** What a page of labels shows. */
export type LabelsPage = {
  readonly title: string;
  /** One sentence: by which model, and what the probabilities mean. */
  readonly summary: string;
  readonly files: readonly LabelledFile[];
};

const bar = ({ label, probability }: Labels[number]) => {
  const width = Math.round(100 * Math.min(1, Math.max(0, probability)));
  return `<li><span class="share" style="width:${width}%"></span><b>${escapeHtml(label)}</b> ${numberText(probability, "share")}</li>`;
};

/** A stretch's time as a link that opens the file there. */
const timeLink = ({ address, kind }: PlayedFile, start: number, end: number) => {
  const text = `${clockText(start)} – ${clockText(end)}`;
  if (kind === "picture") return text;
  return `<a href="${escapeHtml(`${address}#t=${start},${end}`)}">${text}</a>`;
};

function section(file: LabelledFile): string {
  const rows = file.stretches.map(({ start, end, labels }) => [
    timeLink(file, start, end),
    labels.map(({ label, probability }) => `${escapeHtml(label)} ${numberText(probability, "share")}`).join(", "),
  ]);
  const times = rows.length < 2 ? "" : htmlTable(["when", "what"], rows);
  return `<section class="labelled"><figure class="hit">${player(file)}<figcaption>${escapeHtml(file.label)} · ${escapeHtml(file.note)}</figcaption></figure>
<div><ol class="shares">${file.labels.map(bar).join("")}</ol>${times}</div></section>`;
}

const css = `
.labelled { display: grid; grid-template-columns: minmax(0, 18rem) minmax(0, 1fr); gap: 1.25rem 2rem; margin: 2rem 0; }
@media (max-width: 44rem) { .labelled { grid-template-columns: 1fr; } }
.hit video, .hit img, .hit audio { display: block; width: 100%; border-radius: 6px; background: var(--rule); }
.hit video, .hit img { aspect-ratio: 1; object-fit: contain; }
.hit figcaption { margin-top: .4rem; overflow-wrap: anywhere; }
.shares { list-style: none; padding: 0; margin: 0; max-width: 30rem; }
.shares li { position: relative; padding: .3rem .6rem; margin: .25rem 0; }
.shares b { font-weight: 600; margin-right: .4rem; }
.share { position: absolute; inset: 0 auto 0 0; background: var(--mark-soft); border-radius: 4px; z-index: -1; min-width: 2px; }
.labelled td { text-align: left; white-space: normal; }
`;

/**
 * What was named in some files, as one HTML page with players for the files where they lie. It loads nothing from a
 * network, and has no script.
 */
export const labelsHtml = ({ title, summary, files }: LabelsPage): string =>
  htmlPage({
    title,
    lead: `<p>${escapeHtml(summary)}</p>`,
    body: files.map(section).join("\n"),
    css,
    sources: "img-src 'self' file:; media-src 'self' file:",
  });
