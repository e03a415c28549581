import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readCheckpoint } from "./files.js";
import { archive, dictionary, save, six, tensor } from "./torch-archive.test.fixture.js";
import { mostEntries, openArchive } from "./zip-archive.js";

/** Archives that are damaged or lie, whatever is pickled in them. */

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-zip-"));
  path = join(folder, "model.pth");
});
afterAll(() => rm(folder, { recursive: true }));

const good = save(dictionary({ x: tensor("FloatStorage", "0", 6, 0, [6], [1]) }));

it("compressed entries, whose size could be a lie, are refused", async () => {
  await archive(path, good, true);
  await expect(readCheckpoint(path)).rejects.toThrow(
    "model/byteorder is compressed or encrypted, which PyTorch never does",
  );
});

it("an entry that claims more bytes than the file has is refused before room is made for them", async () => {
  const numbers = 2 ** 30 - 1;
  await archive(path, save(dictionary({ x: tensor("FloatStorage", "0", numbers, 0, [numbers], [1]) })));
  const file = await readFile(path);
  // The directory's record of the entry: sizes at 20 and 24, the name at 46.
  const record = file.lastIndexOf("model/data/0") - 46;
  for (const field of [20, 24]) file.writeUInt32LE(4 * numbers, record + field);
  await writeFile(path, file);
  await expect(readCheckpoint(path)).rejects.toThrow(/its entries claim 42949\d+ bytes and more, but the file has \d+/);
});

it("a truncated file is refused", async () => {
  await archive(path, good);
  const whole = await readFile(path);
  for (const length of [30, 200, whole.length - 10]) {
    await writeFile(path, whole.subarray(0, length));
    await expect(readCheckpoint(path)).rejects.toThrow(/model\.pth: it cannot be read as a PyTorch file: .*truncated/i);
  }
});

it("a changed byte of the numbers is refused, unless the file was saved without checksums", async () => {
  await archive(path, good);
  const file = await readFile(path);
  const at = file.indexOf(six) + 7;
  file[at] ^= 1;
  await writeFile(path, file);
  await expect(readCheckpoint(path)).rejects.toThrow(
    `${path}: it cannot be read as a PyTorch file: model/data/0 is damaged: its checksum is wrong. Give a file written`,
  );
  // set_crc32_options(False): zeros in the directory's records.
  for (let record = file.indexOf("PK\x01\x02"); record >= 0; record = file.indexOf("PK\x01\x02", record + 4)) {
    file.writeUInt32LE(0, record + 16);
  }
  await writeFile(path, file);
  const { x } = (await readCheckpoint(path)).tensors;
  expect(x.data[1]).not.toBe(2);
  expect(x.data[0]).toBe(1);
});

/** A zip archive of `count` empty entries: its directory alone, written byte by byte, with zip64's larger counts. */
function directoryOf(count: number): Buffer {
  const entry = 46 + 6;
  const size = count * entry;
  const bytes = Buffer.alloc(size + 56 + 20 + 22);
  for (let index = 0; index < count; index++) {
    const at = index * entry;
    bytes.writeUInt32LE(0x02014b50, at);
    bytes.writeUInt16LE(6, at + 28);
    bytes.write(String(index).padStart(6, "0"), at + 46, "latin1");
  }
  bytes.writeUInt32LE(0x06064b50, size);
  bytes.writeBigUInt64LE(44n, size + 4);
  bytes.writeBigUInt64LE(BigInt(count), size + 24);
  bytes.writeBigUInt64LE(BigInt(count), size + 32);
  bytes.writeBigUInt64LE(BigInt(size), size + 40);
  bytes.writeUInt32LE(0x07064b50, size + 56);
  bytes.writeBigUInt64LE(BigInt(size), size + 64);
  bytes.writeUInt32LE(1, size + 72);
  bytes.writeUInt32LE(0x06054b50, size + 76);
  bytes.fill(0xff, size + 84, size + 96);
  return bytes;
}

it("an archive of more entries than any model has is refused before they are all listed", async () => {
  await writeFile(path, directoryOf(mostEntries + 1));
  await expect(openArchive(path)).rejects.toThrow(`it holds more than ${mostEntries} entries`);
  await writeFile(path, directoryOf(mostEntries));
  const { entries, close } = await openArchive(path);
  await close();
  expect(entries.size).toBe(mostEntries);
});
