import type { ClipView, Modality, PatchGrid } from "@kdc-mae/core";
import { countPatches } from "@kdc-mae/core";
import { padFrames } from "@kdc-mae/data";
import { contextOf, coverPatches, drawSpectrogram, pictureOf, spanOf } from "./draw.js";
import { asked, byId, say } from "./elements.js";
import { shared } from "./state.js";

/** What a person hid, and where the keyboard stands. */
const hidden: Record<Modality, Set<number>> = { audio: new Set(), visual: new Set() };
const cursor: Record<Modality, number> = { audio: 0, visual: 0 };
const canvases: Record<Modality, HTMLCanvasElement> = {
  audio: byId("paint-audio"),
  visual: byId("paint-visual"),
};

const gridOf = (modality: Modality): PatchGrid => shared.eyes.value.grids[modality];

/** Sound has its low rows below. */
const rowShown = (modality: Modality, row: number): number =>
  modality === "audio" ? gridOf("audio").rows - 1 - row : row;

function draw(modality: Modality): void {
  const grid = gridOf(modality);
  const { rows, columns, patch } = grid;
  const clip = shared.clip.value;
  const context = contextOf(canvases[modality], columns * patch, rows * patch);
  const frame = clip?.seen.frames[shared.frame.value];
  if (modality === "visual" && frame?.width === columns * patch) context.putImageData(pictureOf(frame), 0, 0);
  if (modality === "audio" && clip?.seen.spectrogram.shape[1] === rows * patch) {
    const { spectrogram } = clip.seen;
    const padded = padFrames(spectrogram, columns * patch);
    context.putImageData(drawSpectrogram(padded, ...spanOf(spectrogram.data)), 0, 0);
  }
  coverPatches(context, grid, hidden[modality], modality === "audio");
  if (document.activeElement === canvases[modality]) {
    const [row, column] = [Math.floor(cursor[modality] / columns), cursor[modality] % columns];
    context.strokeStyle = "#ff5d00";
    context.lineWidth = Math.max(1, patch / 6);
    context.strokeRect(column * patch + 0.5, rowShown(modality, row) * patch + 0.5, patch - 1, patch - 1);
  }
}

function tell(): void {
  const count = (modality: Modality) => `${hidden[modality].size} of ${countPatches(gridOf(modality))}`;
  say(byId("paint-note"), `Hidden: ${count("visual")} patches of the picture, ${count("audio")} of the sound.`);
}

function set(modality: Modality, position: number, hide: boolean): void {
  if (hide) hidden[modality].add(position);
  else hidden[modality].delete(position);
  draw(modality);
  tell();
}

/** The patch below a pointer. */
function patchAt(modality: Modality, { offsetX, offsetY }: PointerEvent): number {
  const { rows, columns } = gridOf(modality);
  const { clientWidth, clientHeight } = canvases[modality];
  const within = (at: number, most: number) => Math.min(most - 1, Math.max(0, Math.floor(at)));
  const column = within((offsetX / clientWidth) * columns, columns);
  const row = within((offsetY / clientHeight) * rows, rows);
  return rowShown(modality, row) * columns + column;
}

function move(modality: Modality, key: string): boolean {
  const { rows, columns } = gridOf(modality);
  const [row, column] = [rowShown(modality, Math.floor(cursor[modality] / columns)), cursor[modality] % columns];
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [];
  if (down === undefined || right === undefined) return false;
  const to = Math.min(rows - 1, Math.max(0, row + down));
  cursor[modality] = rowShown(modality, to) * columns + Math.min(columns - 1, Math.max(0, column + right));
  draw(modality);
  return true;
}

/** What is hidden as a view, at least one patch of each modality on either side, as a model needs it. */
function painted(): ClipView {
  const split = (modality: Modality, called: string) => {
    const all = [...Array(countPatches(gridOf(modality))).keys()];
    const view = {
      visible: Int32Array.from(all.filter((position) => !hidden[modality].has(position))),
      hidden: Int32Array.from(all.filter((position) => hidden[modality].has(position))),
    };
    if (view.visible.length === 0) throw new Error(`All of the ${called} is hidden: show at least one patch of it`);
    return view;
  };
  const view = { audio: split("audio", "sound"), visual: split("visual", "picture") };
  if (view.audio.hidden.length + view.visual.hidden.length === 0)
    throw new Error("Nothing is hidden: paint over something first");
  return view;
}

export function beginPainting(fill: (views: readonly ClipView[]) => Promise<void>): void {
  for (const modality of ["audio", "visual"] as const) {
    const canvas = canvases[modality];
    let hiding: boolean | undefined;
    canvas.onpointerdown = (event) => {
      const position = patchAt(modality, event);
      hiding = !hidden[modality].has(position);
      cursor[modality] = position;
      canvas.setPointerCapture(event.pointerId);
      set(modality, position, hiding);
    };
    canvas.onpointermove = (event) => {
      if (hiding !== undefined) set(modality, patchAt(modality, event), hiding);
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      hiding = undefined;
    };
    canvas.onkeydown = (event) => {
      const isSpace = event.key === " ";
      if (isSpace) set(modality, cursor[modality], !hidden[modality].has(cursor[modality]));
      if (isSpace || move(modality, event.key)) event.preventDefault();
    };
    canvas.onfocus = canvas.onblur = () => draw(modality);
  }
  const drawBoth = () => {
    draw("audio");
    draw("visual");
  };
  const clear = () => {
    for (const modality of ["audio", "visual"] as const) {
      hidden[modality].clear();
      cursor[modality] = 0;
    }
    drawBoth();
    tell();
  };
  byId("paint-clear").onclick = clear;
  const button = byId<HTMLButtonElement>("paint-fill");
  button.onclick = () => asked(byId("paint-note"), () => fill([painted()]), button);
  shared.eyes.watch(clear);
  shared.clip.watch(drawBoth);
  shared.frame.watch(drawBoth);
}
