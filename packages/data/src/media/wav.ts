import { KdcError, type Waveform } from "@kdc-mae/core";
import wavDecoder from "wav-decoder";

const pcm = 0x0001;
const float = 0x0003;
const extensible = 0xfffe;
const depths: Readonly<Record<number, readonly number[]>> = { [pcm]: [8, 16, 24, 32], [float]: [32, 64] };
const mostChannels = 64;
/** Hz. Sound of less is no recording, and to bring it to 16 kHz would ask for more memory than its bytes justify. */
const rates = { least: 1000, most: 384_000 } as const;

type Format = { readonly code: number; readonly channels: number; readonly sampleRate: number; readonly bits: number };
type Header = { readonly format: Format; readonly start: number; readonly bytes: number };

/**
 * Decodes a WAV file held in memory to mono by averaging its channels. The header is checked here and a plain one is
 * handed to wav-decoder, which by itself hangs, throws or says nothing on headers that lie.
 *
 * @param name what to call the sound in an error, for instance its path
 * @param options `streamed`: sizes of 0 or 0xFFFFFFFF mean "until the end", as a program writing to a pipe leaves them
 * @throws KdcError reason `bad-wav`, `zero-length` or `truncated`
 */
export function decodeWav(bytes: Uint8Array, name: string, options: { streamed?: boolean } = {}): Waveform {
  const { format, start, bytes: length } = readHeader(bytes, name, options.streamed ?? false);
  const plain = plainWav(format, bytes.subarray(start, start + length));
  const { channelData, sampleRate } = wavDecoder.decode.sync(plain, { symmetric: true });
  const samples = channelData.length === 1 ? channelData[0] : averageChannels(channelData);
  if (format.code === float && !samples.every(Number.isFinite)) {
    refuse(name, "bad-wav", "it holds samples that are not finite numbers");
  }
  return { samples, sampleRate };
}

function averageChannels(channels: readonly Float32Array[]): Float32Array {
  return Float32Array.from(channels[0], (_, index) => {
    let sum = 0;
    for (const channel of channels) sum += channel[index];
    return sum / channels.length;
  });
}

function readHeader(bytes: Uint8Array, name: string, streamed: boolean): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE")
    refuse(name, "bad-wav", "it is not a RIFF WAVE file");
  let format: Format | undefined;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const size = view.getUint32(at + 4, true);
    const [chunk, start] = [tag(at), at + 8];
    if (chunk === "data") {
      if (!format) return refuse(name, "bad-wav", "its data comes before its format");
      const open = streamed && (size === 0xffffffff || size === 0);
      const left = bytes.length - start;
      if (!open && size > left)
        refuse(name, "truncated", `its header promises ${size} bytes of sound and ${left} follow`);
      const frame = (format.channels * format.bits) / 8;
      const whole = Math.floor((open ? left : size) / frame) * frame;
      if (whole === 0) refuse(name, "zero-length", "it holds no samples");
      return { format, start, bytes: whole };
    }
    if (chunk === "fmt ") format = readFormat(view, start, Math.min(size, bytes.length - start), name);
    at = start + size + (size % 2);
  }
  return refuse(name, "truncated", "its header ends before any sound begins");
}

function readFormat(view: DataView, at: number, size: number, name: string): Format {
  if (size < 16) refuse(name, "bad-wav", `its format chunk has ${size} bytes instead of at least 16`);
  const tag = view.getUint16(at, true);
  if (tag === extensible && size < 26) refuse(name, "bad-wav", "its extensible format chunk is cut short");
  const format = {
    code: tag === extensible ? view.getUint16(at + 24, true) : tag,
    channels: view.getUint16(at + 2, true),
    sampleRate: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  };
  const block = view.getUint16(at + 12, true);
  const { code, channels, sampleRate, bits } = format;
  if (channels < 1 || channels > mostChannels) refuse(name, "bad-wav", `it claims ${channels} channels`);
  if (sampleRate < rates.least || sampleRate > rates.most) {
    refuse(name, "bad-wav", `it claims a rate of ${sampleRate} Hz, and ${rates.least} to ${rates.most} Hz are read`);
  }
  if (!depths[code]?.includes(bits))
    refuse(name, "bad-wav", `format 0x${code.toString(16)} with ${bits} bits is not read`);
  if (block !== (channels * bits) / 8) refuse(name, "bad-wav", `its block of ${block} bytes does not fit its channels`);
  return format;
}

/** A WAV file with the shortest header, which is all wav-decoder ever sees. */
function plainWav({ code, channels, sampleRate, bits }: Format, data: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(44 + data.length);
  const view = new DataView(buffer);
  const block = (channels * bits) / 8;
  const text = (at: number, value: string) => {
    for (const [index, letter] of [...value].entries()) view.setUint8(at + index, letter.charCodeAt(0));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + data.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, code, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * block, true);
  view.setUint16(32, block, true);
  view.setUint16(34, bits, true);
  text(36, "data");
  view.setUint32(40, data.length, true);
  new Uint8Array(buffer, 44).set(data);
  return buffer;
}

function refuse(name: string, reason: string, what: string): never {
  throw new KdcError({
    where: `the WAV sound of ${name}`,
    what,
    remedy: "Write it again as plain PCM, for instance: ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav",
    reason,
  });
}
