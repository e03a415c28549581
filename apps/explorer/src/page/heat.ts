import type { Frame } from "@kdc-mae/core";
import { contextOf, pictureOf, warmth } from "./draw.js";
import { byId } from "./elements.js";
import { shared } from "./state.js";

/** Where the sound is seen, moment by moment; maps are `[rows · columns]`, 0 to 1. */
export type HeatFilm = {
  readonly rows: number;
  readonly columns: number;
  readonly times: readonly number[];
  readonly maps: readonly Float32Array[];
};

let shown: { readonly film: HeatFilm; readonly pictures: readonly HTMLCanvasElement[] } | undefined;
let frames: readonly Frame[] = [];
let began = 0;

/** A map as a small picture, clearer where it is warmer; drawn large it is smoothed. */
function pictureOfMap(map: Float32Array, { rows, columns }: HeatFilm): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const context = contextOf(canvas, columns, rows);
  const image = new ImageData(columns, rows);
  for (const [at, heat] of map.entries()) image.data.set([...warmth(0.25 + 0.75 * heat), 230 * heat ** 1.5], 4 * at);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The moment that is shown now: the film's own, or of a made clip, which has no player, the clock's. */
function momentNow({ times }: HeatFilm): number {
  const player = byId<HTMLVideoElement>("player");
  const last = times[times.length - 1] + (times[1] ?? 0);
  const now = player.hidden ? ((performance.now() - began) / 1000) % Math.max(last, 0.1) : player.currentTime;
  return Math.max(
    0,
    times.findLastIndex((time) => time <= now + 1e-3),
  );
}

function draw(): void {
  if (shown === undefined) return;
  const { film, pictures } = shown;
  const step = momentNow(film);
  const heat = byId<HTMLCanvasElement>("heat");
  const player = byId<HTMLVideoElement>("player");
  if (player.hidden && frames[step]) {
    const { width, height } = frames[step];
    contextOf(byId("made-picture"), width, height).putImageData(pictureOf(frames[step]), 0, 0);
  }
  const { clientWidth: width, clientHeight: height } = heat;
  const context = contextOf(heat, width, height);
  // The model sees the square in the middle; a player may leave bars beside the picture.
  const { facts } = shared.clip.value?.seen ?? {};
  const aspect = facts ? facts.pictures.width / facts.pictures.height : 1;
  const across = Math.min(width, height * aspect);
  const side = Math.min(across, across / aspect);
  context.imageSmoothingQuality = "high";
  context.drawImage(pictures[step], (width - side) / 2, (height - side) / 2, side, side);
  heat.dataset.step = String(step);
  requestAnimationFrame(draw);
}

/** Lays a heat map over the film; it follows whatever is played. */
export function showHeat(film: HeatFilm, of: readonly Frame[]): void {
  const first = shown === undefined;
  shown = { film, pictures: film.maps.map((map) => pictureOfMap(map, film)) };
  [frames, began] = [of, performance.now()];
  byId("stage").scrollIntoView({ block: "nearest" });
  if (first) draw();
}

export function beginHeat(): void {
  shared.clip.watch(() => {
    shown = undefined;
    const heat = byId<HTMLCanvasElement>("heat");
    delete heat.dataset.step;
    contextOf(heat, 1, 1);
  });
}
