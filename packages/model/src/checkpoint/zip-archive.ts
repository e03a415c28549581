import { once } from "node:events";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import yauzl, { type Entry, type Options, type ZipFile } from "yauzl";

/** An open archive: entries by name, read one at a time, so that a file of many gigabytes is never held whole. */
export type Archive = {
  readonly entries: ReadonlyMap<string, Entry>;
  /** The bytes of an entry that must be stored as it is and have this size, or at most this size. */
  read(name: string, size: { readonly exactly: number } | { readonly atMost: number }): Promise<Uint8Array>;
  close(): void;
};

async function entriesOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  zip.on("entry", (entry: Entry) => {
    if (entries.has(entry.fileName)) {
      zip.emit("error", new Error(`${entry.fileName} is in it twice`));
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

/** Opens a zip archive; throws plain errors, which the caller puts into words. */
export async function openArchive(path: string): Promise<Archive> {
  const zip = await openZip(path, { lazyEntries: true, autoClose: false });
  try {
    const entries = await entriesOf(zip);
    const openStream = promisify<Entry, Readable>(zip.openReadStream.bind(zip));
    return {
      entries,
      async read(name, size) {
        const entry = entries.get(name);
        if (entry === undefined) throw new Error(`${name} is missing`);
        const length = entry.uncompressedSize;
        if (entry.compressionMethod !== 0) throw new Error(`${name} is compressed, which PyTorch never does`);
        if ("exactly" in size && length !== size.exactly) {
          throw new Error(`${name} has ${length} bytes where ${size.exactly} were promised`);
        }
        if ("atMost" in size && length > size.atMost) {
          throw new Error(`${name} has ${length} bytes, more than the ${size.atMost} that are reasonable`);
        }
        const bytes = new Uint8Array(length);
        let at = 0;
        for await (const chunk of (await openStream(entry)) as AsyncIterable<Uint8Array>) {
          bytes.set(chunk, at);
          at += chunk.byteLength;
        }
        if (at !== length) throw new Error(`${name} ends after ${at} of ${length} bytes`);
        return bytes;
      },
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}
