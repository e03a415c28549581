import { escapeHtml, imageTag } from "../html-text.js";
import { numberText } from "../number-text.js";
import { joinPictures, type Picture } from "../pictures.js";
import type {
  ClipPictures,
  ImagePair,
  InpaintingStrip,
  ReelStep,
  ReportInput,
  RetrievalExample,
} from "../report-input.js";

const tile = (caption: string, images: string, className = "") =>
  `<figure class="tile ${className}"><figcaption>${escapeHtml(caption)}</figcaption>${images}</figure>`;

const pair = (caption: string, { frame, spectrogram }: ImagePair) =>
  tile(caption, imageTag(frame, `${caption}, frame`) + imageTag(spectrogram, `${caption}, spectrogram`, "sound"));

/** Pictures over time that play without a script: one wide picture moved in steps. */
function reel(steps: readonly Picture[], alt: string): string {
  const animated = imageTag(joinPictures(steps), alt).replace(
    "<img ",
    `<img style="animation:reel ${(0.5 * steps.length).toFixed(1)}s steps(${steps.length}) infinite;width:${100 * steps.length}%" `,
  );
  return `<div class="reel" style="aspect-ratio:${steps[0].width}/${steps[0].height}">${animated}</div>`;
}

/** A line that is light where the sound is heard; laid over a spectrogram, it darkens the rest. */
function heardLine([from, to]: ReelStep["heard"]): Picture {
  const width = 64;
  const light = (x: number) => x + 0.5 >= from * width && x + 0.5 < to * width;
  return {
    width,
    height: 1,
    data: Uint8Array.from({ length: 3 * width }, (_, i) => (light(Math.floor(i / 3)) ? 255 : 70)),
  };
}

/** Frame after frame with the heat of the sound around it, and below, which sound that is. */
function momentTile({ reel: steps = [], original }: ClipPictures): string {
  if (steps.length === 0) return "";
  const heat = `where the sound around each of ${steps.length} frames is seen`;
  const heard = reel(
    steps.map((step) => heardLine(step.heard)),
    "the sound around each frame",
  );
  return tile(
    "where the sound around each frame is seen",
    `${reel(
      steps.map((step) => step.heat),
      heat,
    )}<div class="heard">${imageTag(original.spectrogram, "spectrogram", "sound")}${heard}</div>`,
  );
}

function clipCard(clip: ClipPictures): string {
  const tiles = [
    pair("original", clip.original),
    clip.heat === undefined
      ? ""
      : tile("where the whole sound is seen", imageTag(clip.heat, "similarity over the frame")),
    momentTile(clip),
    clip.likely === undefined ? "" : pair("how likely each patch is seen", clip.likely),
    ...clip.views.flatMap((view, index) => {
      const made = clip.reconstructions[index];
      const shown = pair(`view ${index + 1} sees`, view);
      return made === undefined ? [shown] : [shown, pair(`made from view ${index + 1}`, made)];
    }),
  ];
  const score = clip.ciou === undefined ? "" : `<span class="quiet">cIoU ${numberText(clip.ciou, "share")}</span>`;
  return `<article class="clip"><header><h3>${escapeHtml(clip.label)}</h3><span class="quiet">${escapeHtml(clip.id)}</span>${score}</header><div class="tiles">${tiles.join("")}</div></article>`;
}

/** How the moving pictures came about, where there are any. */
const heatNote = (clips: readonly ClipPictures[]) =>
  clips.some(({ reel: steps = [] }) => steps.length > 0)
    ? " Heat is the similarity of a sound with every patch of the frame; the white box, where there is one, is the true place. In the moving pictures the sound is the stretch around each frame (the light part of the spectrogram) with all other sound hidden, as patches are hidden in pretraining, and as much of it as a view sees there; all frames of a clip share one colour scale."
    : "";

const careNote = (note: string | undefined) => (note === undefined ? "" : `<p class="note">${escapeHtml(note)}</p>`);

/** What the pictures of probabilities are, where there are any. */
const likelyNote = (clips: readonly ClipPictures[]) =>
  clips.some(({ likely }) => likely !== undefined)
    ? " Views are drawn by the sampling network: its probabilities are shown as heat, the likeliest patch of a clip the hottest."
    : "";

/** Clip by clip: what went in, what each view saw, what it made of it, where the sound is. */
export function clipSection({ clips, pictureNote }: ReportInput): string {
  if (clips === undefined || clips.length === 0) return "";
  return `<h2 id="clips">Clips</h2><p class="quiet">Test clips. Each view sees a part of the patches and none of the other view’s; from its own part it makes the whole.${heatNote(clips)}${likelyNote(clips)}</p>${careNote(pictureNote)}${clips.map((clip) => clipCard(clip)).join("")}`;
}

function example({ direction, query, place, found }: RetrievalExample): string {
  const kinds = direction === "audioToVisual" ? ["sound", ""] : ["", "sound"];
  const tiles = [
    tile("asked", imageTag(query.image, `query: ${query.label}`, kinds[0]), "query"),
    ...found.map((item, index) =>
      tile(
        `${index + 1} · ${item.label} · ${item.cosine.toFixed(2)}`,
        imageTag(item.image, item.label, kinds[1]),
        item.right ? "right" : "",
      ),
    ),
  ];
  const arrow = direction === "audioToVisual" ? "sound → picture" : "picture → sound";
  return `<article class="clip"><header><h3>${escapeHtml(query.label)}</h3><span class="quiet">${arrow}, its own other half is number ${place}</span></header><div class="tiles">${tiles.join("")}</div></article>`;
}

/** Queries with what they found. */
export function retrievalExamples({ retrievalExamples: examples }: ReportInput): string {
  return (examples ?? []).map((one) => example(one)).join("");
}

function strip({ label, original, masks }: InpaintingStrip): string {
  const tiles = [
    pair("original", original),
    ...masks.flatMap(({ caption, masked, restored }) => [
      pair(caption, masked),
      pair(`restored, ${caption}`, restored),
    ]),
  ];
  return `<article class="clip"><header><h3>${escapeHtml(label)}</h3></header><div class="tiles">${tiles.join("")}</div></article>`;
}

/** Clips inpainted under several masks. */
export function inpaintingStrips({ inpaintingStrips: strips, pictureNote }: ReportInput): string {
  if (strips === undefined || strips.length === 0) return "";
  return careNote(pictureNote) + strips.map((one) => strip(one)).join("");
}
