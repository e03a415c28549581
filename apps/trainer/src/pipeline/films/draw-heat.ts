import { dirname, join } from "node:path";
import { makeFolder, writeWhole } from "@kdc-mae/core/node";
import { overlayFilm } from "@kdc-mae/data/node";
import { type Matrix, upsampleBilinear } from "@kdc-mae/eval";
import { encodePng, heatLayer, heatPicture } from "@kdc-mae/eval/report";
import type { OpenedMedia } from "./open-media.js";

/** The heat map `[rows, columns]` of one moment, seconds into the film. */
export type HeatStep = { readonly time: number; readonly map: Matrix };

/** What is drawn of a film's heat, and where to. */
export type HeatDrawing = {
  readonly ffmpeg: string;
  readonly signal?: AbortSignal;
  readonly opened: OpenedMedia;
  /** In time order. */
  readonly steps: readonly HeatStep[];
  /** Values that are drawn coldest and hottest. */
  readonly scale: readonly [low: number, high: number];
  /** Seconds from one layer to the next. */
  readonly every: number;
  /** Shorter side of what is written, pixels. */
  readonly size: number;
  /** The mp4 to write, and the folder for pictures, as far as they are wanted. */
  readonly film?: string;
  readonly folder?: string;
};

/** Side of a drawn layer, cells of a patch grid's side. */
const FINE = 8;

/** The steps' heat as layers of equal length; clear where no step is near. */
function* layersOf(steps: readonly HeatStep[], every: number, seconds: number, draw: (map: Matrix) => Uint8Array) {
  let at = 0;
  let drawn: { readonly at: number; readonly layer: Uint8Array } | undefined;
  for (let place = 0; place < Math.max(1, Math.ceil(seconds / every - 1e-6)); place++) {
    const time = (place + 0.5) * every;
    while (at + 1 < steps.length && Math.abs(steps[at + 1].time - time) <= Math.abs(steps[at].time - time)) at++;
    if (drawn?.at !== at) drawn = { at, layer: draw(steps[at].map) };
    yield Math.abs(steps[at].time - time) <= every ? drawn.layer : new Uint8Array(drawn.layer.length);
  }
}

/** How long a film is taken to be, seconds. */
const lengthOf = ({ info }: OpenedMedia, steps: readonly HeatStep[], every: number): number =>
  info?.duration ?? steps[steps.length - 1].time + every / 2;

/** What the picture of each step is called: there is one for the middle of every layer. */
export function pictureNames({ opened, steps, every }: Pick<HeatDrawing, "opened" | "steps" | "every">): string[] {
  const count = Math.floor(Math.round((2 * lengthOf(opened, steps, every)) / every) / 2);
  const last = opened.info === undefined ? 0 : Math.max(0, count - 1);
  return steps.map(({ time }) => nameOf(Math.min(last, Math.floor(time / every))));
}

/** As `overlayFilm` names them by its pattern. */
const nameOf = (place: number): string => `${String(place).padStart(6, "0")}.png`;

/**
 * Draws heat over a film, with its sound, as an mp4 and as pictures; over a still as one picture.
 *
 * @throws KdcError reason `ffmpeg`, or from the disk
 */
export async function drawHeat(drawing: HeatDrawing): Promise<void> {
  const { ffmpeg, signal, opened, steps, every, size, film, folder } = drawing;
  const [low, high] = drawing.scale;
  if (film !== undefined) await makeFolder(dirname(film));
  if (folder !== undefined) await makeFolder(folder);
  const heatIn = (map: Matrix, side: number) =>
    upsampleBilinear(
      { ...map, data: map.data.map((value) => (value - low) / (high - low || 1)) },
      { width: side, height: side },
    );
  const { info } = opened;
  if (info?.video !== undefined) {
    const side = FINE * steps[0].map.shape[1];
    const drawn = layersOf(steps, every, lengthOf(opened, steps, every), (map) => heatLayer(heatIn(map, side)));
    await overlayFilm({
      ...{ ffmpeg, signal, film: opened.file, video: info.video, audio: info.audio, size, path: film },
      layers: { width: side, height: side, rate: 1 / every, pieces: drawn },
      // A per cent sign stands for a number here.
      ...(folder === undefined ? {} : { stills: join(folder.replaceAll("%", "%%"), "%06d.png") }),
    });
  } else if (folder !== undefined) {
    for await (const { frames = [] } of opened.windows({ seconds: 1, pictures: 1 })) {
      const picture = heatPicture(frames[0], heatIn(steps[0].map, frames[0].width));
      const bytes = encodePng(picture);
      await writeWhole(join(folder, nameOf(0)), bytes);
    }
  }
}
