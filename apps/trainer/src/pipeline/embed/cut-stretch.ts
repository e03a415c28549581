import { type FloatTensor, type Frame, float32, type HostPatches, KdcError, type Patches } from "@kdc-mae/core";
import { featuresOf, type ModelConfig } from "@kdc-mae/model";
import { mean, type Tensor } from "@tensorflow/tfjs-core";
import { embedFunction, type WithEncoder } from "../evaluate/embedding.js";

/** A picture as programs hold it: RGB, or RGBA whose transparency is not looked at, as a canvas gives it. */
export type PlainFrame = Omit<Frame, "data" | "time"> & {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Seconds from the beginning of what it belongs to; of a single picture it may be left out. */
  readonly time?: number;
};

/** Which modalities a stretch has. */
export type Kind = "both" | "audio" | "visual";
/** Its patches. */
export type Cut = Partial<HostPatches>;
/** What a program on them is given. */
export type CutInputs = { readonly params: WithEncoder<Tensor>; readonly patches: Partial<Patches> };

/** What of a recording is there. */
export const kindOf = ({ audio, visual }: { readonly audio?: unknown; readonly visual?: unknown }): Kind =>
  audio && visual ? "both" : audio ? "audio" : "visual";

/** Means of the streams that there are, as a tfjs function. */
export const functionOf =
  (config: ModelConfig, kind: Kind) =>
  ({ params, patches }: CutInputs): Readonly<Record<string, Tensor>> => {
    if (kind === "both") {
      const { audio, visual, joint } = embedFunction(config)({ params, patches: patches as Patches });
      return { audio, visual, joint };
    }
    return { [kind]: mean(featuresOf(config, params, kind, patches[kind]!), 1) };
  };

/** Parts of one shape as a batch of them. */
export function stacked(parts: readonly FloatTensor[]): FloatTensor {
  const [{ shape, data }] = parts;
  const out = float32([parts.length, ...shape]);
  for (const [at, part] of parts.entries()) out.data.set(part.data, at * data.length);
  return out;
}

/** The picture taken nearest to a time, seconds; of two as near the first. One without a time counts as taken at 0. */
export function nearestTo<Taken extends { readonly time?: number }>(
  frames: readonly Taken[],
  wanted: number,
): Taken | undefined {
  const away = ({ time = 0 }: Taken) => Math.abs(time - wanted);
  return frames.reduce<Taken | undefined>((best, one) => (best && away(best) <= away(one) ? best : one), undefined);
}

/** RGB, from RGB or RGBA. @throws KdcError (`shape`) for neither */
export function rgb({ width, height, data, time = 0 }: PlainFrame): Frame {
  const pixels = width * height;
  if (data.length === 3 * pixels && pixels > 0) return { width, height, data: Uint8Array.from(data), time };
  if (data.length !== 4 * pixels || pixels === 0) {
    throw new KdcError({
      where: "embed",
      what: `a picture of ${width} × ${height} has ${data.length} bytes`,
      remedy: "Give width × height × 4 bytes of RGBA, or × 3 of RGB",
      reason: "shape",
    });
  }
  const opaque = new Uint8Array(3 * pixels);
  for (let at = 0; at < pixels; at++) {
    for (let channel = 0; channel < 3; channel++) opaque[3 * at + channel] = data[4 * at + channel];
  }
  return { width, height, data: opaque, time };
}
