import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { type FileSystem, sha256OfFile, writeWhole } from "@kdc-mae/core/node";
import { passingReasons } from "../media/media-error.js";
import type { PreparedContent } from "./options.js";
import { parseRecord, type ShardRecord, shardName } from "./shard-record.js";

/** Told why a shard that is there is made again. */
export type MadeAgain = {
  /** Its bytes are not what its record says. */
  readonly onDamaged: () => void;
  /** It lacks clips whose ffmpeg was killed or came to no end in time; left out, such a shard is finished. */
  readonly onLacking?: () => void;
};

/** The record of a finished shard; undefined when it is still to be made. @throws KdcError when it was made of other items */
export async function findRecord(
  out: string,
  shard: number,
  items: string,
  files: FileSystem,
  { onDamaged, onLacking }: MadeAgain,
): Promise<ShardRecord | undefined> {
  const path = join(out, shardName(shard));
  const record = parseRecord(await files.readText(`${path}.json`));
  if (!record) return undefined;
  const size = await files.sizeOf(`${path}.tar`);
  if (size === undefined) return undefined;
  if (record.items === items) {
    const lacks = record.quarantined.some(({ reason }) => passingReasons.has(reason));
    if (lacks && onLacking !== undefined) {
      onLacking();
      return undefined;
    }
    if (size === record.bytes && (await sha256OfFile(`${path}.tar`)) === record.sha256) return record;
    onDamaged();
    return undefined;
  }
  throw new KdcError({
    where: `${path}.tar`,
    what: "it was made from other clips than the manifest now lists at this place",
    remedy: "Use the manifest it was made with, or another --out",
    reason: "other-content",
  });
}

/** The options of which a set was made otherwise: `frames.count is 3, and 10 there`. */
function differing(before: string, now: PreparedContent): string {
  const flat = (value: unknown, path = ""): [string, string][] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, part]) => flat(part, path === "" ? key : `${path}.${key}`))
      : [[path, JSON.stringify(value) ?? "left out"]];
  try {
    const [there, here] = [new Map(flat(JSON.parse(before))), new Map(flat(JSON.parse(JSON.stringify(now))))];
    const keys = [...new Set([...here.keys(), ...there.keys()])].filter((key) => here.get(key) !== there.get(key));
    const told = keys.map(
      (key) => `${key} is ${here.get(key) ?? "left out"}, and ${there.get(key) ?? "left out"} there`,
    );
    if (told.length > 0) return told.join("; ");
  } catch {
    // A damaged content.json says nothing of options.
  }
  return "see content.json";
}

/** Writes down what the set is made with, or compares. @throws KdcError (`other-content`) where it was made otherwise */
export async function expectSameContent(out: string, content: PreparedContent, files: FileSystem): Promise<void> {
  const path = join(out, "content.json");
  const written = `${JSON.stringify(content, null, 1)}\n`;
  const before = await files.readText(path);
  if (before === undefined) await writeWhole(path, written, files);
  else if (before !== written) {
    throw new KdcError({
      where: out,
      what: `it holds a set that was prepared with other options (${differing(before, content)})`,
      remedy: "Give the same options, or another --out",
      reason: "other-content",
    });
  }
}
