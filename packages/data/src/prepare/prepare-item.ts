import { relative } from "node:path";
import { isKdcError } from "@kdc-mae/core";
import { expectItemAdmitted } from "../manifest/confine.js";
import type { ManifestItem } from "../manifest/manifest-item.js";
import { recordingIn } from "../manifest/named-recording.js";
import type { Manifest } from "../manifest/read-manifest.js";
import { decodeItem } from "../media/decode-item.js";
import type { Decoder, SoundDecoder } from "../media/decoder.js";
import { itemReasons, lastLinesOf } from "../media/media-error.js";
import { secondsBeyond } from "../media/seconds-beyond.js";
import type { PreparedContent } from "./options.js";
import { packClip } from "./pack-clip.js";
import { type Quarantined, sampleKey } from "./shard-record.js";
import type { Outcome } from "./write-shard.js";

type ItemTools = {
  readonly manifest: Manifest;
  readonly decoder: Decoder & SoundDecoder;
  readonly content: PreparedContent;
  readonly signal: AbortSignal;
};

/** One clip for a shard, or why it is left out. */
export async function prepareItem(
  item: ManifestItem,
  index: number,
  { manifest, decoder, content, signal }: ItemTools,
): Promise<Outcome> {
  const file = relative(manifest.media.root, item.path);
  let stage: Quarantined["stage"] = "admit";
  try {
    await expectItemAdmitted(item, manifest.media);
    stage = "decode";
    const { sampleRate, frames, size, seconds } = content;
    const clip = await decodeItem(decoder, item, { sampleRate, frames, size, seconds, signal });
    const beyond = secondsBeyond(clip, seconds);
    stage = "pack";
    const key = sampleKey(index, item.id);
    const packed = await packClip(clip, key, file, content);
    const { id, labels, split } = item;
    const recording = recordingIn({ ...item, path: file });
    const sample = { key, id, labels, ...(split === undefined ? {} : { split }), ...(recording && { recording }) };
    return { sample, packed, beyond };
  } catch (error) {
    if (!isKdcError(error) || !itemReasons.has(error.reason)) throw error;
    const ffmpeg = lastLinesOf(error);
    const { reason, message } = error;
    const { id, split = "none" } = item;
    return { quarantined: { id, file, split, stage, reason, message, ...(ffmpeg === undefined ? {} : { ffmpeg }) } };
  }
}
