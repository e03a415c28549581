import { open } from "node:fs/promises";
import { type IsoFile, readIso } from "./iso.js";
import { type MatroskaFile, readMatroska } from "./matroska.js";

/**
 * What a file says about itself in its first bytes and its outer structure, read without ffmpeg: whether it is cut
 * short, and how its pictures are turned, which old ffmpegs do not tell.
 */
export type Container =
  | IsoFile
  | MatroskaFile
  | { readonly kind: "riff" | "transport" | "other" | "unknown"; readonly cutShort: boolean };

/** First bytes of kinds of media files, at an offset. */
const signatures: readonly (readonly [at: number, hex: string])[] = [
  ...["4f676753", "464c5601", "3026b2758e66cf11", "664c6143", "494433", "2e524d46", "060e2b34", "444b4946"].map(
    (hex) => [0, hex] as const,
  ),
  ...["0b77", "7776706b", "4d414320", "54544131", "464f524d", "2e736e64", "63616666", "2321414d52", "6e75742f"].map(
    (hex) => [0, hex] as const,
  ),
];

const isoTypes = new Set(["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot", "styp", "moof"]);

/** Looks at a file. @throws the error of the system when it cannot be read */
export async function readContainer(path: string): Promise<Container> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(400);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const first = head.toString("latin1", 0, 4);
    if (isoTypes.has(head.toString("latin1", 4, 8))) return await readIso(file, size);
    if (head.readUInt32BE(0) === 0x1a45dfa3) return await readMatroska(file, size);
    if (first === "RIFF" && bytesRead >= 12) {
      const promised = head.readUInt32LE(4);
      return { kind: "riff", cutShort: promised > 0 && promised < 0xffffffff && promised + 8 > size };
    }
    const packets = [188, 192].some((step) => {
      const from = step === 188 ? 0 : 4;
      return bytesRead > from + step && head[from] === 0x47 && head[from + step] === 0x47;
    });
    if (packets || head.readUInt32BE(0) === 0x1ba) return { kind: "transport", cutShort: false };
    const known = signatures.some(([at, hex]) => head.toString("hex", at).startsWith(hex));
    return { kind: known || first === "RF64" ? "other" : "unknown", cutShort: false };
  } finally {
    await file.close();
  }
}
