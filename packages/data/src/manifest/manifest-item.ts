import type { ClipItem } from "@kdc-mae/core";

/** Pictures that were cut from a clip earlier, as CAV-MAE keeps them: `folder/frame_0/NAME.jpg` … `folder/frame_9/NAME.jpg`. */
export type PictureFolders = { readonly folder: string; readonly name: string };

/** One line of a manifest: a clip, and its pictures where they lie beside its sound instead of in it. */
export type ManifestItem = ClipItem & { readonly pictures?: PictureFolders };
