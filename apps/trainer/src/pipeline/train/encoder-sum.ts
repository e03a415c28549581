import { createHash } from "node:crypto";
import { type FloatTensor, treeLeaves } from "@kdc-mae/core";
import type { EncoderParams } from "@kdc-mae/model";

/** Tells one encoder from another, so that a run does not go on from another start than its own. */
export function encoderSum(encoder: EncoderParams<FloatTensor>): string {
  const hash = createHash("sha256");
  for (const [, { data }] of treeLeaves<FloatTensor>(encoder)) {
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}
