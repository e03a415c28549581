import { availableCpus } from "@kdc-mae/core/node";
import { type DecoderName, decoderNames } from "@kdc-mae/data";
import { createDecoder, locateFfmpeg, type MediaDecoder } from "@kdc-mae/data/node";
import { environmentOf, type Surroundings } from "../surroundings.js";

/** How media are decoded. */
export type DecoderChoice = {
  /** One of `decoderNames`; the first unless given. All give the same clips, to rounding. */
  readonly decoder?: DecoderName;
};

/** A decoder, the program behind it, and both in words, as runs and prepared sets keep them. */
export type OpenedDecoder = {
  readonly decoder: MediaDecoder;
  readonly ffmpeg: string;
  readonly decodedBy: string;
  /** Programs at once: one more than cores, for this process computes between their ends and their starts. */
  readonly workers: number;
};

/** Chooses ffmpeg, once, and the decoder over it. @throws KdcError (`no-ffmpeg`) where none runs */
export async function openDecoder(
  around: Surroundings,
  {
    decoder: name = decoderNames[0],
    workers = availableCpus() + 1,
    timeout = 60,
  }: DecoderChoice & { readonly workers?: number; readonly timeout?: number } = {},
): Promise<OpenedDecoder> {
  const { path, version } = await locateFfmpeg({ env: environmentOf(around) });
  const decoder = createDecoder(name, path, { processes: workers, timeoutMs: 1000 * timeout });
  return { decoder, ffmpeg: path, decodedBy: `ffmpeg ${version}`, workers };
}
