import type { ClipItem } from "@kdc-mae/core";

/** Pictures that were cut from a clip earlier, as CAV-MAE keeps them: `folder/frame_0/NAME.jpg` … `folder/frame_9/NAME.jpg`. */
export type PictureFolders = { readonly folder: string; readonly name: string };

/** One line of a manifest: a clip, and its pictures where they lie beside its sound instead of in it. */
export type ManifestItem = ClipItem & { readonly pictures?: PictureFolders };

/**
 * An item as its reader found it. `line` is where it is written, for lists; `otherId` names it where its id was made
 * from its path and is taken.
 */
export type Entry = { readonly item: ManifestItem; readonly line?: number; readonly otherId?: string };
