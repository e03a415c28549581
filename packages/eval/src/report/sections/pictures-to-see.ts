import { escapeHtml, type ImageWriter } from "../html-text.js";
import { numberText } from "../number-text.js";
import { joinPictures } from "../pictures.js";
import type { ClipPictures, ImagePair, InpaintingStrip, ReportInput, RetrievalExample } from "../report-input.js";

const tile = (caption: string, images: string, className = "") =>
  `<figure class="tile ${className}"><figcaption>${escapeHtml(caption)}</figcaption>${images}</figure>`;

const pair = (caption: string, { frame, spectrogram }: ImagePair, image: ImageWriter) =>
  tile(caption, image(frame, `${caption}, frame`) + image(spectrogram, `${caption}, spectrogram`, "sound"));

/** Pictures over time that play without a script: one wide picture moved in steps. */
function reel(clip: ClipPictures, image: ImageWriter): string {
  const steps = clip.reel ?? [];
  if (steps.length === 0) return "";
  const strip = image(joinPictures(steps), `where the whole sound is seen in each of ${steps.length} pictures`);
  const animated = strip.replace(
    "<img ",
    `<img style="animation:reel ${(0.5 * steps.length).toFixed(1)}s steps(${steps.length}) infinite" `,
  );
  const ratio = `${steps[0].width}/${steps[0].height}`;
  return tile("the whole sound in each picture", `<div class="reel" style="aspect-ratio:${ratio}">${animated}</div>`);
}

function clipCard(clip: ClipPictures, image: ImageWriter): string {
  const tiles = [
    pair("original", clip.original, image),
    clip.heat === undefined ? "" : tile("where it sounds", image(clip.heat, "similarity over the frame")),
    reel(clip, image),
    ...clip.views.flatMap((view, index) => {
      const made = clip.reconstructions[index];
      const shown = pair(`view ${index + 1} sees`, view, image);
      return made === undefined ? [shown] : [shown, pair(`made from view ${index + 1}`, made, image)];
    }),
  ];
  const score = clip.ciou === undefined ? "" : `<span class="quiet">cIoU ${numberText(clip.ciou, "share")}</span>`;
  return `<article class="clip"><header><h3>${escapeHtml(clip.label)}</h3><span class="quiet">${escapeHtml(clip.id)}</span>${score}</header><div class="tiles">${tiles.join("")}</div></article>`;
}

/** Clip by clip: what went in, what each view saw, what it made of it, where the sound is. */
export function clipSection({ clips }: ReportInput, image: ImageWriter): string {
  if (clips === undefined || clips.length === 0) return "";
  return `<h2 id="clips">Clips</h2><p class="quiet">Test clips. Each view sees a part of the patches and none of the other view’s; from its own part it makes the whole.</p>${clips.map((clip) => clipCard(clip, image)).join("")}`;
}

function example({ direction, query, place, found }: RetrievalExample, image: ImageWriter): string {
  const kinds = direction === "audioToVisual" ? ["sound", ""] : ["", "sound"];
  const tiles = [
    tile("asked", image(query.image, `query: ${query.label}`, kinds[0]), "query"),
    ...found.map((item, index) =>
      tile(
        `${index + 1} · ${item.label} · ${item.cosine.toFixed(2)}`,
        image(item.image, item.label, kinds[1]),
        item.right ? "right" : "",
      ),
    ),
  ];
  const arrow = direction === "audioToVisual" ? "sound → picture" : "picture → sound";
  return `<article class="clip"><header><h3>${escapeHtml(query.label)}</h3><span class="quiet">${arrow}, its own other half is number ${place}</span></header><div class="tiles">${tiles.join("")}</div></article>`;
}

/** Queries with what they found. */
export function retrievalExamples({ retrievalExamples: examples }: ReportInput, image: ImageWriter): string {
  return (examples ?? []).map((one) => example(one, image)).join("");
}

function strip({ label, original, masks }: InpaintingStrip, image: ImageWriter): string {
  const tiles = [
    pair("original", original, image),
    ...masks.flatMap(({ caption, masked, restored }) => [
      pair(caption, masked, image),
      pair(`restored, ${caption}`, restored, image),
    ]),
  ];
  return `<article class="clip"><header><h3>${escapeHtml(label)}</h3></header><div class="tiles">${tiles.join("")}</div></article>`;
}

/** Clips inpainted under several masks. */
export function inpaintingStrips({ inpaintingStrips: strips }: ReportInput, image: ImageWriter): string {
  return (strips ?? []).map((one) => strip(one, image)).join("");
}
