import type { Waveform } from "@kdc-mae/core";
import {
  type AudioSample,
  AudioSampleSink,
  EncodedPacketSink,
  type InputAudioTrack,
  type InputFormat,
  MatroskaInputFormat,
} from "mediabunny";
import { refuse } from "./refuse.js";

/** A sound as it was decoded. */
export type Heard = Waveform & {
  /** What its samples are: whole numbers of 16 bits, whole numbers of more, or what a decoder worked out. */
  readonly digits: "sixteen" | "more" | "worked out";
};

/** How much later than at its first packet a sound begins, and when that packet comes, seconds. */
type Lead = { readonly seconds: number; readonly first: number };

/**
 * What a decoder leaves out at the front: of Opus what an encoder needs to get going, which Matroska's times, as they are
 * read here, leave out as well; of Vorbis the whole first packet.
 */
export async function leadOf(track: InputAudioTrack, format: InputFormat): Promise<Lead> {
  const codec = await track.getCodec();
  const packets = new EncodedPacketSink(track);
  const packet = await packets.getFirstPacket();
  if (packet === null) return { seconds: 0, first: 0 };
  const first = packet.timestamp;
  if (codec === "vorbis") {
    const next = await packets.getNextPacket(packet);
    return { seconds: next === null ? 0 : next.timestamp - first, first };
  }
  const head = (await track.getDecoderConfig())?.description;
  if (codec !== "opus" || format instanceof MatroskaInputFormat || head === undefined) return { seconds: 0, first };
  const bytes = ArrayBuffer.isView(head)
    ? new DataView(head.buffer, head.byteOffset, head.byteLength)
    : new DataView(head as ArrayBuffer);
  return { seconds: bytes.byteLength < 12 ? 0 : bytes.getUint16(10, true) / 48_000, first };
}

/** One channel of a piece, −1 to 1; whole numbers of 16 bits are read as such. */
function channelOf(piece: AudioSample, planeIndex: number): Float32Array {
  const { numberOfFrames, format } = piece;
  if (format !== "s16" && format !== "s16-planar") {
    const plane = new Float32Array(numberOfFrames);
    piece.copyTo(plane, { planeIndex, format: "f32-planar" });
    return plane;
  }
  const whole = new Int16Array(numberOfFrames);
  piece.copyTo(whole, { planeIndex, format: "s16-planar" });
  return Float32Array.from(whole, (value) => value / 32768);
}

const isWholeIn = (bits: number) => (value: number) => Number.isInteger(value * 2 ** (bits - 1));
const [sixteen, more] = [isWholeIn(16), isWholeIn(24)];

/**
 * The plain mean of the channels, each piece in its place on the film's clock, silence in gaps. The mean of whole numbers
 * of 16 bits is one, as ffmpeg has it.
 *
 * @param from where the clip begins on the film's clock, seconds
 */
export async function readSound(
  track: InputAudioTrack,
  {
    from,
    lead,
    seconds,
    name,
  }: { readonly from: number; readonly lead: Lead; readonly seconds: number; readonly name: string },
): Promise<Heard> {
  let [rate, samples, reached, isMixed, late] = [0, new Float32Array(), 0, false, 0];
  let digits: Heard["digits"] = "sixteen";
  for await (const piece of new AudioSampleSink(track).samples(undefined, from + seconds)) {
    const { numberOfChannels: channels, numberOfFrames: frames, sampleRate, timestamp } = piece;
    if (rate === 0) {
      rate = sampleRate;
      samples = new Float32Array(Math.round(seconds * rate));
      // Chromium counts from the first packet's time whatever it left out; Firefox says when what is left begins.
      late = timestamp < lead.first + lead.seconds / 2 ? lead.seconds : 0;
    }
    if (sampleRate !== rate) {
      piece.close();
      throw refuse(name, `its sound changes from ${rate} to ${sampleRate} Hz`, "Re-encode it at one sample rate");
    }
    const at = Math.round((timestamp + late - from) * rate);
    // Containers tell times in ticks of their own: pieces that follow one another do so to the sample.
    const start = reached > 0 && Math.abs(at - reached) <= 0.05 * rate ? reached : at;
    isMixed ||= channels > 1;
    for (let channel = 0; channel < channels; channel++) {
      const plane = channelOf(piece, channel);
      if (digits === "sixteen" && !plane.every(sixteen)) digits = "more";
      if (digits === "more" && !plane.every(more)) digits = "worked out";
      for (let n = Math.max(0, -start); n < frames && start + n < samples.length; n++) {
        samples[start + n] += plane[n] / channels;
      }
    }
    reached = start + frames;
    piece.close();
  }
  if (rate === 0) throw refuse(name, "its sound holds nothing", "Fetch or copy it again");
  if (reached < samples.length - 0.5 * rate) {
    const [says, holds] = [seconds.toFixed(1), (Math.max(0, reached) / rate).toFixed(1)];
    throw refuse(name, `it is cut short: of ${says} s of sound it holds ${holds}`, "Fetch or copy it again");
  }
  const heard = samples.subarray(0, Math.min(samples.length, reached));
  const isRounded = digits === "sixteen" && isMixed;
  const whole = isRounded ? heard.map((value) => Math.floor(value * 32768 + 0.5) / 32768) : heard;
  return { samples: whole, sampleRate: rate, digits };
}
