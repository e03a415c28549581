import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import type { FilmDecoder } from "../media/decoder.js";
import { mediaError } from "../media/media-error.js";
import { decodeStill } from "../visual/encode-picture.js";
import { fit } from "../visual/fit.js";
import type { MediaWindow, WindowsRequest } from "./media-window.js";

const pictureNames = new Set([".jpg", ".jpeg", ".png", ".webp", ".ppm"]);
/** Largest picture file that is read, bytes. */
const mostBytes = 256 * 2 ** 20;

/** True for the name of a still picture. */
export const isPicture = (file: string): boolean => pictureNames.has(extname(file).toLowerCase());

/**
 * Reads anything that can be seen or heard, window by window over its whole length: films, silent or not, sound files,
 * and still pictures, which are one window without length.
 *
 * @param file its path
 * @throws KdcError with a `MediaReason`, of pictures `bad-picture`; what came before stands
 */
export async function* readWindows(
  decoder: FilmDecoder,
  file: string,
  request: WindowsRequest,
): AsyncGenerator<MediaWindow> {
  if (!isPicture(file)) {
    yield* decoder.windows({ id: file, path: file, labels: [] }, request);
    return;
  }
  if (request.only === "sound") throw mediaError(file, "no-audio");
  if ((request.skip ?? 0) > 0) return;
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw mediaError(file, cause.code === "ENOENT" ? "missing" : "unreadable", cause.code, cause);
  });
  if (!found.isFile()) throw mediaError(file, "unreadable", "it is not a plain file");
  if (found.size > mostBytes) throw mediaError(file, "too-large");
  const picture = await decodeStill(await readFile(file), file);
  yield { index: 0, start: 0, end: 0, frames: [request.size === undefined ? picture : fit(picture, request.size)] };
}
