import { describe, expect, it } from "vitest";
import { decodeWav } from "./wav.js";

type Field = { code?: number; channels?: number; rate?: number; bits?: number; block?: number };
const le = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, k) => Math.floor(value / 256 ** k) % 256);
const tag = (text: string) => [...text].map((letter) => letter.charCodeAt(0));
const chunk = (name: string, data: readonly number[], size = data.length) => [...tag(name), ...le(size, 4), ...data];
const format = ({ code = 1, channels = 1, rate = 16000, bits = 16, block = (channels * bits) / 8 }: Field = {}) => [
  ...[...le(code, 2), ...le(channels, 2), ...le(rate, 4), ...le(rate * block, 4), ...le(block, 2), ...le(bits, 2)],
];
const wav = (...chunks: readonly (readonly number[])[]) =>
  Uint8Array.from([...tag("RIFF"), ...le(0, 4), ...tag("WAVE"), ...chunks.flat()]);
const pcm16 = (...samples: number[]) => samples.flatMap((value) => le(value & 0xffff, 2));
const samplesOf = (bytes: Uint8Array) => Array.from(decodeWav(bytes, "x.wav").samples);

describe("decodeWav", () => {
  it("reads 16-bit samples as value / 32768, so that both ends fit", () => {
    const bytes = wav(chunk("fmt ", format()), chunk("data", pcm16(-32768, 16384, 32767)));
    expect(decodeWav(bytes, "x.wav").sampleRate).toBe(16000);
    expect(samplesOf(bytes)).toEqual([-1, 0.5, 32767 / 32768]);
  });

  it("averages channels", () => {
    const bytes = wav(chunk("fmt ", format({ channels: 2 })), chunk("data", pcm16(16384, 0, -16384, -16384)));
    expect(samplesOf(bytes)).toEqual([0.25, -0.5]);
  });

  it("reads an extensible header, other chunks of odd length, and a view into a larger buffer", () => {
    const fields = format({ code: 0xfffe });
    const guid = [...le(22, 2), ...le(16, 2), ...le(4, 4), ...le(1, 2), ...Array.from({ length: 14 }, () => 0)];
    const bytes = wav(chunk("LIST", [1, 2, 3, 0], 3), chunk("fmt ", [...fields, ...guid]), chunk("data", pcm16(8192)));
    expect(samplesOf(bytes)).toEqual([0.25]);
    const padded = new Uint8Array(bytes.length + 7);
    padded.set(bytes, 7);
    expect(samplesOf(padded.subarray(7))).toEqual([0.25]);
  });

  it("takes an open size as the end of the stream only when told that it was streamed", () => {
    const bytes = wav(chunk("fmt ", format()), chunk("data", pcm16(8192, 8192), 0xffffffff));
    expect(decodeWav(bytes, "x.wav", { streamed: true }).samples.length).toBe(2);
    expect(() => decodeWav(bytes, "x.wav")).toThrow("its header promises 4294967295 bytes of sound and 4 follow");
  });

  const sound = chunk("data", pcm16(1, 2, 3));
  const nan = [0, 0, 0xc0, 0x7f];
  it.each([
    ["it is not a RIFF WAVE file", Uint8Array.from(tag("RIFX----WAVEfmt "))],
    ["its data comes before its format", wav(sound, chunk("fmt ", format()))],
    ["its header ends before any sound begins", wav(chunk("fmt ", format()))],
    [
      "its header promises 60 bytes of sound and 6 follow",
      wav(chunk("fmt ", format()), chunk("data", pcm16(1, 2, 3), 60)),
    ],
    ["it holds no samples", wav(chunk("fmt ", format()), chunk("data", [1]))],
    ["its format chunk has 8 bytes instead of at least 16", wav(chunk("fmt ", format().slice(0, 8)), sound)],
    ["it claims 0 channels", wav(chunk("fmt ", format({ channels: 0 })), sound)],
    ["it claims 65535 channels", wav(chunk("fmt ", format({ channels: 65535, block: 2 })), sound)],
    ["it claims a rate of 0 Hz", wav(chunk("fmt ", format({ rate: 0 })), sound)],
    ["format 0x55 with 16 bits is not read", wav(chunk("fmt ", format({ code: 0x55 })), sound)],
    ["format 0x1 with 12 bits is not read", wav(chunk("fmt ", format({ bits: 12, block: 2 })), sound)],
    ["its block of 3 bytes does not fit its channels", wav(chunk("fmt ", format({ block: 3 })), sound)],
    ["it holds samples that are not finite", wav(chunk("fmt ", format({ code: 3, bits: 32 })), chunk("data", nan))],
  ])("refuses: %s", (what, bytes) => {
    expect(() => decodeWav(bytes, "x.wav")).toThrow(`the WAV sound of x.wav: ${what}`);
    expect(() => decodeWav(bytes, "x.wav")).toThrow("Write it again as plain PCM, for instance: ffmpeg -i IN");
  });
});
