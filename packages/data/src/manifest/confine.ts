import { realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import type { ManifestItem, PictureFolders } from "./manifest-item.js";

/** Where the media of a manifest lie, and whether its paths may lead elsewhere. */
export type MediaRoot = { readonly root: string; readonly allowOutside?: boolean };

const isInside = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith("../") && !way.startsWith("..\\") && !isAbsolute(way);
};

/** The absolute path that a manifest means; undefined when it leads out of the media root and may not. */
export function confine(path: string, { root, allowOutside = false }: MediaRoot): string | undefined {
  const absolute = resolve(root, path);
  return allowOutside || isInside(resolve(root), absolute) ? absolute : undefined;
}

/**
 * Refuses names that cannot be handed to another program and links that lead out of the media root. A missing file
 * passes: whoever opens it says so.
 *
 * @throws KdcError reason `bad-name` or `outside-root`
 */
export async function expectAdmitted(path: string, { root, allowOutside = false }: MediaRoot): Promise<void> {
  if (/[\0\uFFFD]/.test(path)) {
    throw new KdcError({
      where: JSON.stringify(path),
      what: "its name has bytes that are not UTF-8, which cannot be handed to ffmpeg",
      remedy: "Rename the file",
      reason: "bad-name",
    });
  }
  if (allowOutside) return;
  const [realRoot, real] = await Promise.all([root, path].map((name) => realpath(name).catch(() => undefined)));
  if (realRoot === undefined || real === undefined || isInside(realRoot, real)) return;
  throw new KdcError({
    where: path,
    what: `it is a link that leads out of the media root, to ${real}`,
    remedy: "Copy the file there, or allow paths outside (--allow-outside)",
    reason: "outside-root",
  });
}

/** Where the `index`-th picture of a clip lies. */
export const picturePath = ({ folder, name }: PictureFolders, index: number): string =>
  join(folder, `frame_${index}`, `${name}.jpg`);

/** Refuses an item whose sound or one of whose pictures {@link expectAdmitted} refuses. */
export async function expectItemAdmitted({ path, pictures }: ManifestItem, media: MediaRoot): Promise<void> {
  await expectAdmitted(path, media);
  if (pictures === undefined) return;
  for (let index = 0; ; index++) {
    const picture = picturePath(pictures, index);
    if ((await realpath(picture).catch(() => undefined)) === undefined) return;
    await expectAdmitted(picture, media);
  }
}
