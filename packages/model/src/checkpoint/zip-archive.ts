import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { crc32 } from "@kdc-mae/core/node";
import yauzl, { type Entry, type Options, type ZipFile } from "yauzl";
import { readRange } from "./read-range.js";

/** An open archive: entries by name, read one at a time, so that a file of many gigabytes is never held whole. */
export type Archive = {
  readonly entries: ReadonlyMap<string, Entry>;
  /** The bytes of an entry that must be stored as it is and have this size, or at most this size; its CRC-32 is compared. */
  read(name: string, size: { readonly exactly: number } | { readonly atMost: number }): Promise<Uint8Array>;
  close(): Promise<void>;
};

/** Far more files than any model has tensors. */
export const mostEntries = 100_000;

/** Entries by name. They may neither be more nor, together, larger than an honest file could hold. */
async function entriesOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  zip.on("entry", (entry: Entry) => {
    bytes += entry.uncompressedSize;
    const wrong = entries.has(entry.fileName)
      ? `${entry.fileName} is in it twice`
      : entries.size >= mostEntries
        ? `it holds more than ${mostEntries} entries`
        : bytes > zip.fileSize && entry.compressionMethod === 0
          ? `its entries claim ${bytes} bytes and more, but the file has ${zip.fileSize}`
          : undefined;
    if (wrong !== undefined) {
      zip.emit("error", new Error(wrong));
    } else {
      entries.set(entry.fileName, entry);
      zip.readEntry();
    }
  });
  zip.readEntry();
  await once(zip, "end");
  return entries;
}

const openZip = promisify<string, Options, ZipFile>(yauzl.open);

/** The bytes of an entry that is stored as it is, read in large pieces. */
async function stored(file: FileHandle, entry: Entry): Promise<Uint8Array> {
  const at = entry.relativeOffsetOfLocalHeader;
  const header = await readRange(file, at, at + 30);
  const view = new DataView(header.buffer);
  if (header.byteLength < 30 || view.getUint32(0, true) !== 0x04034b50)
    throw new Error(`${entry.fileName} is not there`);
  // Name and extra fields stand between the header and the data, and differ from those in the directory.
  const start = at + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  const end = start + entry.uncompressedSize;
  const { size } = await file.stat();
  if (end > size) throw new Error(`${entry.fileName} would end at byte ${end} of a file of ${size}`);
  return readRange(file, start, end);
}

/** Opens a zip archive; throws plain errors, which the caller puts into words. */
export async function openArchive(path: string): Promise<Archive> {
  const zip = await openZip(path, { lazyEntries: true, autoClose: false });
  const file = await open(path, "r");
  const close = async () => {
    zip.close();
    await file.close();
  };
  try {
    const entries = await entriesOf(zip);
    return {
      entries,
      async read(name, size) {
        const entry = entries.get(name);
        if (entry === undefined) throw new Error(`${name} is missing`);
        const length = entry.uncompressedSize;
        if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
          throw new Error(`${name} is compressed or encrypted, which PyTorch never does`);
        }
        if ("exactly" in size && length !== size.exactly) {
          throw new Error(`${name} has ${length} bytes where ${size.exactly} were promised`);
        }
        if ("atMost" in size && length > size.atMost) {
          throw new Error(`${name} has ${length} bytes, more than the ${size.atMost} that are reasonable`);
        }
        const bytes = await stored(file, entry);
        // torch.save without checksums (set_crc32_options) writes 0.
        if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32)
          throw new Error(`${name} is damaged: its checksum is wrong`);
        return bytes;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
