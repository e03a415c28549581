import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type FloatTensor, KdcError } from "@kdc-mae/core";
import { matrix, neighbours } from "@kdc-mae/eval";
import { readCheckpoint, writeTensors } from "@kdc-mae/model/node";
import {
  type ClipStore,
  type ClipVectors,
  type IndexAbout,
  type IndexedClip,
  type StreamName,
  streamNames,
} from "./clip-store.js";

/** The file of an index that needs nothing but this project: vectors as tensors `[N, D]`, the rest as JSON beside them. */
export const plainFile = (folder: string): string => join(folder, "index.safetensors");

/** True where a plain index lies in the folder. */
export const isPlainStore = (folder: string): boolean => existsSync(plainFile(folder));

/**
 * Opens a plain index, or begins one: one file, read as a whole and searched exactly.
 *
 * @param fresh what to begin with where there is none
 * @throws KdcError (`no-index`) where there is none and none is to be begun; (`bad-index`) for a file of another kind
 */
export async function openPlainStore(folder: string, fresh?: IndexAbout): Promise<ClipStore> {
  const { about, clips } = await load(folder, fresh);
  const byFile = new Map(clips.map((clip) => [clip.file, clip]));
  return {
    kind: "plain",
    about,
    clips: async () =>
      [...byFile.values()].map(({ file, size, modified, windows }) => ({ file, size, modified, windows })),
    async change(added, removed) {
      for (const file of removed) byFile.delete(file);
      for (const clip of added) byFile.set(clip.file, clip);
      await mkdir(folder, { recursive: true });
      await write(folder, about, [...byFile.values()]);
    },
    async nearest(stream, query, count) {
      const gallery = [...byFile.values()];
      if (gallery.length === 0) return [];
      const [found] = neighbours(matrix(1, query.length, query), rows(gallery, stream, about.width), count);
      return found.map(({ index, cosine }) => ({ clip: gallery[index], cosine }));
    },
  };
}

/** One stream of all clips, `[N, D]`. */
function rows(clips: readonly ClipVectors[], stream: StreamName, width: number): FloatTensor & { shape: number[] } {
  const data = new Float32Array(clips.length * width);
  for (const [index, clip] of clips.entries()) data.set(clip[stream], index * width);
  return { dtype: "float32", shape: [clips.length, width], data };
}

function write(folder: string, about: IndexAbout, clips: readonly ClipVectors[]): Promise<void> {
  const tensors = Object.fromEntries(streamNames.map((stream) => [stream, rows(clips, stream, about.width)]));
  const listed = clips.map(({ file, size, modified, windows }): IndexedClip => ({ file, size, modified, windows }));
  return writeTensors(plainFile(folder), tensors, { about: JSON.stringify(about), clips: JSON.stringify(listed) });
}

async function load(
  folder: string,
  fresh: IndexAbout | undefined,
): Promise<{ readonly about: IndexAbout; readonly clips: readonly ClipVectors[] }> {
  const path = plainFile(folder);
  if (!existsSync(path)) {
    if (fresh !== undefined) return { about: fresh, clips: [] };
    throw noIndex(folder);
  }
  const { tensors, metadata } = await readCheckpoint(path);
  if (metadata.about === undefined || metadata.clips === undefined) {
    throw new KdcError({
      where: `index ${folder}`,
      what: `${path} is not an index (it does not say what was indexed)`,
      remedy: "Give the folder that kdc-mae index made, or another one with --index",
      reason: "bad-index",
    });
  }
  const about = JSON.parse(metadata.about) as IndexAbout;
  const clips = (JSON.parse(metadata.clips) as IndexedClip[]).map((clip, index): ClipVectors => {
    const row = (stream: StreamName) =>
      (tensors[stream].data as Float32Array).subarray(index * about.width, (index + 1) * about.width);
    return { ...clip, audio: row("audio"), visual: row("visual"), joint: row("joint") };
  });
  return { about, clips };
}

/** The error of a place without an index. */
export const noIndex = (where: string): KdcError =>
  new KdcError({
    where: `index ${where}`,
    what: "there is no index",
    remedy: "Make one with kdc-mae index FOLDER, or say where it is with --index",
    reason: "no-index",
  });
