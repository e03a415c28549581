/** The bytes of hostile files: each small, each asking for much. */

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});
const crc = (bytes) => {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = crcTable[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
};

/** A zip archive of stored files, as PyTorch writes them. */
export function zip(files) {
  const [local, central] = [[], []];
  let at = 0;
  for (const [name, data] of Object.entries(files)) {
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(path.length, 22);
    local.push(Buffer.from("PK\x03\x04", "latin1"), common, path, data);
    const entry = Buffer.alloc(46);
    entry.write("PK\x01\x02", 0, "latin1");
    entry.writeUInt16LE(20, 4);
    common.copy(entry, 6, 0, 26);
    entry.writeUInt32LE(at, 42);
    central.push(entry, path);
    at += 30 + path.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, directory, end]);
}

/** A PyTorch archive around a pickle. */
export const torch = (pickle, storage = Buffer.alloc(64)) =>
  zip({
    "archive/data.pkl": pickle,
    "archive/byteorder": Buffer.from("little"),
    "archive/data/0": storage,
    "archive/version": Buffer.from("3\n"),
  });

const bytes = (...parts) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));
const uint32 = (value) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};

/** A tuple that holds itself twice, 290 times over, as the key of a dict: 2²⁹⁰ leaves to whoever walks it. */
export const doublingKey = () => bytes("\x80\x02})", "2\x86".repeat(290), "K\x01s.");
/** A whole number of a million bytes. */
export const longNumber = () =>
  bytes("\x80\x02}X", uint32(1), "aK\x01\x8b".slice(0, 1), "\x8b", uint32(1e6), Buffer.alloc(1e6, 0x7f), "s.");
/** Lists in lists, 200,000 deep. */
export const deepList = () => bytes("\x80\x02", "]".repeat(200_000), "a".repeat(199_999), ".");
/** Something that would run. */
export const runsCode = () => bytes("\x80\x02cos\nsystem\nX", uint32(2), "id\x85R.");

/** A dict of `count` tensors of 4 MB, all views of one storage of 64 bytes… or so they say. */
export function overlappingViews(count, elements = 2 ** 20) {
  const number = (value) => bytes("J", uint32(value));
  const text = (value) => bytes("X", uint32(Buffer.byteLength(value)), value);
  const storage = bytes("(", text("storage"), "ctorch\nFloatStorage\n", text("0"), text("cpu"), number(elements), "tQ");
  const one = (at) =>
    bytes(
      text(`t${at}`),
      "ctorch._utils\n_rebuild_tensor_v2\n(",
      storage,
      "K\x00",
      number(elements),
      "\x85K\x01\x85\x89}tR",
      "s",
    );
  return bytes("\x80\x02}", ...Array.from({ length: count }, (_, at) => one(at)), ".");
}

/** A safetensors file with this header. */
export function safetensors(header, data = Buffer.alloc(0), claimed) {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const first = Buffer.alloc(8);
  first.writeBigUInt64LE(BigInt(claimed ?? json.length));
  return Buffer.concat([first, json, data]);
}

/** A tar of files; `kind` other than a plain file where it is told. */
export function tar(files) {
  const parts = [];
  for (const { name, data, kind = "0" } of files) {
    const header = Buffer.alloc(512);
    header.write(name.slice(0, 100), 0);
    header.write("0000644\0", 100);
    header.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write(kind, 156);
    header.write("ustar\u000000", 257);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    parts.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** A WAV whose header says these. */
export function wav({ rate = 16_000, channels = 1, bits = 16, bytes: length = 32_000, claimed = length }) {
  const out = Buffer.alloc(44 + length);
  out.write("RIFF", 0);
  out.writeUInt32LE((36 + claimed) >>> 0, 4);
  out.write("WAVEfmt ", 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(channels, 22);
  out.writeUInt32LE(rate, 24);
  out.writeUInt32LE(((rate * channels * bits) / 8) % 2 ** 32, 28);
  out.writeUInt16LE(((channels * bits) / 8) & 65535, 32);
  out.writeUInt16LE(bits, 34);
  out.write("data", 36);
  out.writeUInt32LE(claimed >>> 0, 40);
  return out;
}

/** A drawing that says it is a picture of 20,000 × 20,000 with a blur. */
export const drawing = () =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="8000" height="8000"><filter id="f"><feGaussianBlur stdDeviation="200"/></filter><rect width="8000" height="8000" filter="url(#f)"/></svg>`,
  );
