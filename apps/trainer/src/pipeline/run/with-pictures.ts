import { type FloatTensor, float32 } from "@kdc-mae/core";
import { imageNet } from "@kdc-mae/data";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import type { Assume } from "./assume.js";

/**
 * Weights that see pictures normalised our way (ImageNet's mean m and deviation s per colour) as the stored ones see
 * theirs (m′, s′): x′ = (x · s + m − m′) / s′, which is linear, so that it goes into the patch projection; and where the
 * decoder predicts values as they are, its inverse into the picture head.
 */
export function withPictures<P extends { readonly encoder: ModelParams<FloatTensor>["encoder"] }>(
  params: P,
  { visual: { channels } }: ModelConfig,
  { pictures }: Assume,
  predictsValues: boolean,
): P {
  if (pictures === undefined) return params;
  const scale = (index: number) => imageNet.std[index % channels] / pictures.std[index % channels];
  const shift = (index: number) =>
    (imageNet.mean[index % channels] - pictures.mean[index % channels]) / pictures.std[index % channels];
  const { weight, bias } = params.encoder.visual.patch;
  const [D, P] = weight.shape;
  const moved = float32([D, P]);
  const offset = float32([D], bias.data.slice());
  for (let at = 0; at < D * P; at++) {
    moved.data[at] = weight.data[at] * scale(at % P);
    offset.data[Math.floor(at / P)] += weight.data[at] * shift(at % P);
  }
  const visual = { ...params.encoder.visual, patch: { weight: moved, bias: offset } };
  const changed = { ...params, encoder: { ...params.encoder, visual } };
  return predictsValues && "decoder" in changed
    ? { ...changed, decoder: unscaled(changed.decoder as Decoder) }
    : changed;

  function unscaled(decoder: Decoder): Decoder {
    const { head } = decoder.visual;
    const [, width] = head.weight.shape;
    const rows = float32(head.weight.shape);
    for (let at = 0; at < rows.data.length; at++) rows.data[at] = head.weight.data[at] / scale(Math.floor(at / width));
    const values = float32(
      [P],
      head.bias.data.map((value, index) => (value - shift(index)) / scale(index)),
    );
    return { ...decoder, visual: { ...decoder.visual, head: { weight: rows, bias: values } } };
  }
}

type Decoder = ModelParams<FloatTensor>["decoder"];
