import type { ClipView } from "@kdc-mae/core";
import { padFrames } from "@kdc-mae/data";
import { contextOf, coverPatches, drawSpectrogram, pictureOf, spanOf } from "./draw.js";
import { asked, byId, make, say } from "./elements.js";
import { shared } from "./state.js";
import { type ViewChoice, viewsOf } from "./view-choice.js";

const input = (id: string) => byId<HTMLInputElement>(id);
const chosen = (): ViewChoice => ({
  views: Number(input("view-count").value),
  ratio: { audio: Number(input("audio-ratio").value) / 100, visual: Number(input("visual-ratio").value) / 100 },
  kind: byId<HTMLSelectElement>("view-kind").value as ViewChoice["kind"],
  structure: byId<HTMLSelectElement>("view-structure").value as ViewChoice["structure"],
  seed: Number(input("view-seed").value),
});

/** Frame and spectrogram of the clip as pictures of the grids' own pixels, made once per clip and frame. */
let pictures: { readonly frame: ImageData; readonly sound: ImageData } | undefined;

function readPictures(): void {
  const clip = shared.clip.value;
  const { grids } = shared.eyes.value;
  const frame = clip?.seen.frames[shared.frame.value];
  pictures = undefined;
  if (clip === undefined || frame?.width !== grids.visual.rows * grids.visual.patch) return;
  const { spectrogram } = clip.seen;
  const padded = padFrames(spectrogram, grids.audio.columns * grids.audio.patch);
  pictures = { frame: pictureOf(frame), sound: drawSpectrogram(padded, ...spanOf(spectrogram.data)) };
}

function drawViews(views: readonly ClipView[]): void {
  const { grids } = shared.eyes.value;
  const place = byId("view-pictures");
  while (place.children.length > views.length) place.lastElementChild?.remove();
  for (const [index, view] of views.entries()) {
    const figure =
      place.children[index] ??
      place.appendChild(
        make(
          "figure",
          { className: "pair" },
          make("canvas", { className: "square" }),
          make("canvas"),
          make("figcaption"),
        ),
      );
    const [visual, audio] = figure.querySelectorAll("canvas");
    const caption = figure.querySelector("figcaption")!;
    for (const [canvas, modality] of [
      [visual, "visual"],
      [audio, "audio"],
    ] as const) {
      const { rows, columns, patch } = grids[modality];
      const context = contextOf(canvas, columns * patch, rows * patch);
      const image = modality === "visual" ? pictures?.frame : pictures?.sound;
      if (image) context.putImageData(image, 0, 0);
      else {
        context.fillStyle = "#7a88a6";
        context.fillRect(0, 0, canvas.width, canvas.height);
      }
      coverPatches(context, grids[modality], view[modality].hidden, modality === "audio");
      canvas.setAttribute("role", "img");
      const [seen, all] = [view[modality].visible.length, rows * columns];
      canvas.setAttribute("aria-label", `View ${index + 1}, ${modality}: ${seen} of ${all} patches seen`);
    }
    const { audio: sound, visual: picture } = view;
    caption.textContent = `View ${index + 1}: sees ${picture.visible.length} of ${grids.visual.rows * grids.visual.columns} patches of the picture, ${sound.visible.length} of ${grids.audio.rows * grids.audio.columns} of the sound`;
  }
}

function redraw(): void {
  const note = byId("view-note");
  const choice = chosen();
  byId("view-count-out").textContent = String(choice.views);
  byId("audio-ratio-out").textContent = `${Math.round(choice.ratio.audio * 100)} %`;
  byId("visual-ratio-out").textContent = `${Math.round(choice.ratio.visual * 100)} %`;
  void asked(note, () => {
    const start = performance.now();
    const views = viewsOf(choice, shared.eyes.value.grids);
    drawViews(views);
    shared.views.set(views);
    say(note, `Masked and drawn in ${(performance.now() - start).toFixed(1)} ms.`);
  });
}

export function beginViewsSection(): void {
  byId("view-form").addEventListener("input", redraw);
  byId("view-form").addEventListener("submit", (event) => event.preventDefault());
  const again = () => {
    readPictures();
    redraw();
  };
  shared.clip.watch(again);
  shared.frame.watch(again);
  shared.eyes.watch(again);
  redraw();
}
