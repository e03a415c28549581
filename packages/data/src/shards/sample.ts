import type { FloatTensor, Waveform } from "@kdc-mae/core";
import { float32, KdcError } from "@kdc-mae/core";
import { decodeWav } from "../media/wav.js";
import {
  isStray,
  longestJson,
  numberedPicture,
  readNotes,
  type SampleNotes,
  singlePictures,
  splitName,
} from "./sample-notes.js";
import { unpackTar } from "./tar.js";

/** One sample of a shard; its pictures are still encoded. */
export type ShardSample = {
  readonly key: string;
  readonly notes: SampleNotes;
  readonly waveform: () => Waveform;
  /** Not padded, not normalised `[T, melBins]`. */
  readonly logMel: (() => FloatTensor) | undefined;
  /** JPEG, PNG or PPM files in time order. */
  readonly pictures: readonly Uint8Array[];
};

/** Of a clip's sound. */
export const mostSeconds = 3600;

/**
 * Reads a sample from its piece of a shard: `wav`, `json` (or `cls`), `0.jpg` … and where present `logmel`.
 *
 * @throws KdcError reason `bad-sample` or `bad-tar`
 */
export function readSample(bytes: Uint8Array, where: string): ShardSample {
  const fields = new Map<string, Uint8Array>();
  let key = "";
  for (const { name, data } of unpackTar(bytes, where)) {
    if (isStray(name)) continue;
    const parts = splitName(name);
    key = parts.key;
    fields.set(parts.field.toLowerCase(), data);
  }
  const refuse = (what: string) =>
    new KdcError({ where: `${where}, sample ${key}`, what, remedy: "Prepare the set again", reason: "bad-sample" });
  const [json, cls] = [fields.get("json"), fields.get("cls")];
  if (!json && !cls) throw refuse("it has no json");
  if (json && json.length > longestJson)
    throw refuse(`its json has ${json.length} bytes, and ${longestJson} are the most`);
  const notes = readNotes(key, json, cls);
  if (!notes) throw refuse("its json cannot be read");
  const pictures = [...fields]
    .flatMap(([field, data]) => {
      const found = numberedPicture.exec(field);
      return found ? [{ order: Number(found[1]), data }] : [];
    })
    .sort((a, b) => a.order - b.order);
  const only = singlePictures.map((name) => fields.get(name)).find((data) => data !== undefined);
  const ready = fields.get("logmel");
  return {
    key,
    notes,
    waveform: () => {
      const wav = fields.get("wav");
      if (!wav) throw refuse("it has no wav");
      const sound = decodeWav(wav, `${where}, sample ${key}`);
      const seconds = sound.samples.length / sound.sampleRate;
      if (seconds > mostSeconds)
        throw refuse(`its sound lasts ${Math.round(seconds)} s, and ${mostSeconds} are the most`);
      return sound;
    },
    logMel: ready && notes.logMel ? () => readLogMel(ready, notes.logMel!, refuse) : undefined,
    pictures: pictures.length > 0 ? pictures.map(({ data }) => data) : only ? [only] : [],
  };
}

function readLogMel(
  bytes: Uint8Array,
  { shape, dtype }: NonNullable<SampleNotes["logMel"]>,
  refuse: (what: string) => KdcError,
): FloatTensor {
  const [width, count] = [dtype === "float16" ? 2 : 4, shape[0] * shape[1]];
  if (bytes.length !== width * count) throw refuse(`its log-mel has ${bytes.length} bytes and not ${width * count}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read =
    dtype === "float16"
      ? (at: number) => halfToFloat(view.getUint16(2 * at, true))
      : (at: number) => view.getFloat32(4 * at, true);
  return float32(
    shape,
    Float32Array.from({ length: count }, (_, at) => read(at)),
  );
}

/** IEEE half precision to a number. */
export function halfToFloat(half: number): number {
  const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest IEEE half precision number, ties to even. */
export function floatToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -30)));
  const scaled = size / 2 ** (exponent - 10);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const steps = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  return sign | (steps + ((exponent + 14) << 10));
}
