import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";

/** Pieces of a pickle (protocol 2), each pushing one value. */
const utf8 = new TextEncoder();
export const bytes = (...parts: (number | string | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : [...(typeof part === "string" ? utf8.encode(part) : part)],
    ),
  );
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

export const text = (value: string) => bytes("X", u32(utf8.encode(value).length), value);
export const whole = (value: number) => bytes("J", new Uint8Array(Int32Array.of(value).buffer));
export const tuple = (...items: Uint8Array[]) => bytes("(", ...items, "t");
export const named = (module: string, name: string) => bytes("c", module, "\n", name, "\n");
export const call = (callable: Uint8Array, args: Uint8Array) => bytes(callable, args, "R");
export const dictionary = (items: Record<string, Uint8Array>) =>
  bytes("}", "(", ...Object.entries(items).flatMap(([key, value]) => [text(key), value]), "u");
export const pickle = (value: Uint8Array) => bytes(0x80, 2, value, ".");

const storage = (type: string, key: string, length: number) =>
  bytes(tuple(text("storage"), named("torch", type), text(key), text("cpu"), whole(length)), "Q");

/** An object as Python pickles it: its class, no arguments, then its attributes. */
export const object = (module: string, name: string, attributes: Record<string, Uint8Array> = {}) =>
  bytes(named(module, name), ")", 0x81, dictionary(attributes), "b");

/** A tensor as `torch.save` pickles it. `flags`: those of `_rebuild_tensor_v2`'s last argument that are set. */
export const tensor = (
  type: string,
  key: string,
  length: number,
  offset: number,
  shape: number[],
  stride: number[],
  flags: string[] = [],
) =>
  call(
    named("torch._utils", "_rebuild_tensor_v2"),
    tuple(
      storage(type, key, length),
      whole(offset),
      tuple(...shape.map(whole)),
      tuple(...stride.map(whole)),
      bytes(0x89),
      call(named("collections", "OrderedDict"), bytes(")")),
      ...(flags.length === 0 ? [] : [dictionary(Object.fromEntries(flags.map((flag) => [flag, bytes(0x88)])))]),
    ),
  );

/** Numbers of a storage, 1 to 6. */
export const six = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);

/** The entries of an archive as `torch.save` names them, of a pickled value and its storages. */
export const save = (value: Uint8Array, data: Record<string, Uint8Array> = { "0": six }) => ({
  "model/data.pkl": pickle(value),
  "model/byteorder": new TextEncoder().encode("little"),
  ...Object.fromEntries(Object.entries(data).map(([key, content]) => [`model/data/${key}`, content])),
  "model/version": new TextEncoder().encode("3\n"),
});

/** Writes a zip archive of the given entries as `torch.save` does, uncompressed by default. */
export async function archive(path: string, entries: Record<string, Uint8Array>, compress = false): Promise<void> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(entries)) zip.addBuffer(Buffer.from(content), name, { compress });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}
