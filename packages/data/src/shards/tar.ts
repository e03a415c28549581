import { KdcError } from "@kdc-mae/core";

/** Tar is made of blocks of this many bytes. */
export const tarBlock = 512;

/** One file in a tar. */
export type TarEntry = { readonly name: string; readonly data: Uint8Array };

/** Bytes that a file of this length takes in a tar, its header included. */
export const tarSpan = (length: number): number => tarBlock + Math.ceil(length / tarBlock) * tarBlock;

/** What ends a tar. */
export const tarEnd: Uint8Array = new Uint8Array(2 * tarBlock);

/**
 * The bytes of files as a piece of a POSIX ustar archive. The same files give the same bytes: owner, mode and time are
 * fixed.
 *
 * @throws KdcError for a name that is empty or has more than 100 bytes
 */
export function packTar(entries: readonly TarEntry[]): Uint8Array {
  const out = new Uint8Array(entries.reduce((sum, { data }) => sum + tarSpan(data.length), 0));
  let at = 0;
  for (const { name, data } of entries) {
    writeHeader(out.subarray(at, at + tarBlock), name, data.length);
    out.set(data, at + tarBlock);
    at += tarSpan(data.length);
  }
  return out;
}

function writeHeader(header: Uint8Array, name: string, length: number): void {
  const encoded = new TextEncoder().encode(name);
  if (encoded.length === 0 || encoded.length > 100) {
    throw new KdcError({
      where: "packTar",
      what: `the name ${JSON.stringify(name)} has ${encoded.length} bytes`,
      remedy: "Give names of 1 to 100 bytes",
      reason: "option",
    });
  }
  const text = (at: number, value: string) => header.set(new TextEncoder().encode(value), at);
  const octal = (at: number, digits: number, value: number) => text(at, value.toString(8).padStart(digits, "0"));
  header.set(encoded, 0);
  octal(100, 7, 0o644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, length);
  octal(136, 11, 0);
  text(148, "        ");
  text(156, "0");
  text(257, "ustar\u000000");
  octal(
    148,
    6,
    header.reduce((sum, byte) => sum + byte, 0),
  );
  header[154] = 0;
}

/** What a header says: the kind is `file`, the long name of the next one, or something to pass over. */
export type TarHeader = {
  readonly name: string;
  readonly size: number;
  readonly kind: "file" | "gnu-name" | "pax" | "other";
};

/** Reads a header; undefined for the empty block that ends a tar. @throws KdcError reason `bad-tar` */
export function readTarHeader(block: Uint8Array, where: string): TarHeader | undefined {
  const refuse = (what: string) =>
    new KdcError({ where, what, remedy: "Fetch or make the shard again", reason: "bad-tar" });
  if (block.length < tarBlock) throw refuse("it is cut short");
  if (block.every((byte) => byte === 0)) return undefined;
  const text = (at: number, length: number) => {
    const field = block.subarray(at, at + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (Number.parseInt(text(148, 8).trim(), 8) !== sum)
    throw refuse("a header in it is damaged, or it is not a tar file");
  const size =
    block[124] & 0x80
      ? Number(new DataView(block.buffer, block.byteOffset + 128).getBigUint64(0))
      : Number.parseInt(text(124, 12).trim() || "0", 8);
  if (!(Number.isSafeInteger(size) && size >= 0)) throw refuse("a file in it has no length");
  const prefix = text(257, 5) === "ustar" ? text(345, 155) : "";
  const kinds: Readonly<Record<string, TarHeader["kind"]>> = {
    "0": "file",
    "\0": "file",
    "": "file",
    "7": "file",
    L: "gnu-name",
    x: "pax",
  };
  const type = String.fromCharCode(block[156]);
  return { name: prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`, size, kind: kinds[type] ?? "other" };
}

/** Bytes of a record of extended names, and of a name in it: no file system has longer ones. */
export const longest = { record: 65_536, name: 4096 } as const;

/**
 * The name that a preceding `gnu-name` or `pax` entry gives to the next file.
 *
 * @throws KdcError reason `bad-tar` for one that no file can have
 */
export function longName(kind: "gnu-name" | "pax", data: Uint8Array, where: string): string | undefined {
  expectName(where, data.length, longest.record);
  const text = new TextDecoder().decode(data);
  const name = kind === "gnu-name" ? text.replace(/\0+$/, "") : /^\d+ path=(.*)$/m.exec(text)?.[1];
  expectName(where, name?.length ?? 0, longest.name);
  return name;
}

/** Refuses a name, or a record of one, by its length, before it is read. */
export function expectName(where: string, length: number, most: number): void {
  if (length <= most) return;
  throw new KdcError({
    where,
    what: `it holds a name of ${length} bytes, and ${most} are the most a file can have`,
    remedy: "Make the shard again with names of files",
    reason: "bad-tar",
  });
}

/** The files in a piece of a tar that is in memory. @throws KdcError reason `bad-tar` */
export function unpackTar(bytes: Uint8Array, where: string): TarEntry[] {
  const entries: TarEntry[] = [];
  let named: string | undefined;
  for (let at = 0; at + tarBlock <= bytes.length; ) {
    const header = readTarHeader(bytes.subarray(at, at + tarBlock), where);
    if (!header) break;
    const data = bytes.subarray(at + tarBlock, at + tarBlock + header.size);
    if (data.length < header.size) {
      throw new KdcError({
        where,
        what: `${header.name} is cut short`,
        remedy: "Fetch or make the shard again",
        reason: "bad-tar",
      });
    }
    if (header.kind === "gnu-name" || header.kind === "pax") named = longName(header.kind, data, where) ?? named;
    else {
      if (header.kind === "file") entries.push({ name: named ?? header.name, data });
      named = undefined;
    }
    at += tarSpan(header.size);
  }
  return entries;
}
