import { createHash } from "node:crypto";
import { KdcError } from "@kdc-mae/core";

/**
 * Metadata of a file that says its own checksum. Two entries, so that a flipped bit cannot make the one vanish without
 * the other saying that it was there.
 */
const mark = { "written-by": "kdc-mae" } as const;
const sumKey = "sha256";

type Metadata = Readonly<Record<string, string>>;

/** What is summed of one tensor: its name, type and shape, and the SHA-256 of its bytes. */
export type SummedTensor = {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly sha256: string;
};

export const sumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]) =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * SHA-256 over everything a file means: its metadata (without the checksum) and its tensors, each in the order of their
 * names, as JSON. Where the tensors lie in the file does not count, so that another program may write them in its order.
 */
function checksum(metadata: Metadata, tensors: readonly SummedTensor[]): string {
  const notes = Object.entries(metadata).filter(([key]) => key !== sumKey);
  const listed = tensors.map(({ name, type, shape, sha256 }) => [name, type, shape, sha256] as const);
  const text = JSON.stringify([notes.sort(byName), listed.sort(byName)]);
  return sumOf(new TextEncoder().encode(text));
}

/** The metadata a file is written with: what was given, and what it takes to know the file again. */
export function withChecksum(metadata: Metadata, tensors: readonly SummedTensor[]): Metadata {
  const marked = { ...metadata, ...mark };
  return { ...marked, [sumKey]: checksum(marked, tensors) };
}

/**
 * The metadata as it was given, of a file that is what was written or says nothing of it.
 *
 * @throws KdcError (`bad-checkpoint`) where the checksum is another, or is missing where one was written
 */
export function expectChecksum(metadata: Metadata, tensors: readonly SummedTensor[]): Metadata {
  const { [sumKey]: said, ...rest } = metadata;
  const by = rest["written-by"];
  if (said === undefined && by === undefined) return metadata;
  // Another program's idea of these keys is not ours.
  if (by !== mark["written-by"] && !/^[0-9a-f]{64}$/.test(said ?? "")) return metadata;
  if (by !== mark["written-by"] || said !== checksum(metadata, tensors)) {
    throw new KdcError({
      where: "safetensors",
      what: "its content does not match its checksum: it was damaged or changed after it was written",
      remedy:
        "Fetch or copy it again; what a run wrote is written anew by the run's own command. If you changed it on purpose, leave sha256 and written-by out of its metadata",
      reason: "bad-checkpoint",
    });
  }
  const { "written-by": _, ...given } = rest;
  return given;
}
