import type { FloatTensor, Patches, Rng, Stream } from "@kdc-mae/core";
import { createModelRunner } from "@kdc-mae/engine";
import { features, type ModelConfig } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { ClipSet } from "../../corpus/clip-set.js";
import { sharedMap } from "../../ranks/shared-map.js";
import { type FilledBatch, filledBatches, rowOf } from "../embed-clips.js";
import type { WithEncoder } from "../embedding.js";
import { type Subject, sharedOf } from "./subject.js";

/** One clip's place in its set, and its tokens `[N, D]`. */
export type ClipTokens = { readonly place: number; readonly tokens: Float32Array };

type Inputs = { readonly params: WithEncoder<Tensor>; readonly patches: Patches };

/** Tokens of one stream as a tfjs function: nothing hidden, nothing pooled. */
const tokenFunction =
  (config: ModelConfig, stream: Stream) =>
  ({ params, patches }: Inputs) => ({ tokens: features(config, params, patches)[stream] });

/** The frozen encoder's tokens of every clip of a set, in order; middle picture. */
export async function* tokensOf(
  set: ClipSet,
  subject: Pick<Subject, "saved" | "execute" | "cutting" | "onProgress" | "signal">,
  stream: Stream,
  what: string,
): AsyncGenerator<ClipTokens> {
  const { execute, cutting, saved } = subject;
  const { config, params } = sharedOf(saved);
  const runner = createModelRunner(execute, tokenFunction(config, stream), { encoder: params.encoder });
  const embed = async ({ patches }: FilledBatch) => (await runner.run({ patches })).tokens as FloatTensor;
  let place = 0;
  try {
    for await (const [{ clips }, tokens] of sharedMap(cutting.between, filledBatches(set.read(), cutting), embed)) {
      subject.signal?.throwIfAborted();
      for (const index of clips.keys()) yield { place: place++, tokens: rowOf(tokens, index) };
      subject.onProgress(`${what}: ${place}/${set.items.length}`);
    }
  } finally {
    await runner.dispose();
  }
}

/**
 * Tokens epoch after epoch, each clip once an epoch in an order of its own. As many as fit are held; where that is not
 * all, the clips are embedded anew every epoch and drawn at random from as many as fit.
 *
 * @param make the tokens from the first clip
 * @param most clips held at once
 */
export async function* shuffledEpochs(
  make: () => AsyncIterable<ClipTokens>,
  count: number,
  most: number,
  epochs: number,
  rng: Rng,
): AsyncGenerator<ClipTokens> {
  const held: ClipTokens[] = [];
  if (count <= most) for await (const one of make()) held.push(one);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const own = rng.fork(epoch);
    if (count <= most) for (const at of own.permutation(held.length)) yield held[at];
    else yield* throughBuffer(make(), most, own);
  }
}

async function* throughBuffer(source: AsyncIterable<ClipTokens>, most: number, rng: Rng): AsyncGenerator<ClipTokens> {
  const buffer: ClipTokens[] = [];
  for await (const one of source) {
    if (buffer.length < most) {
      buffer.push(one);
      continue;
    }
    const at = rng.integer(buffer.length);
    yield buffer[at];
    buffer[at] = one;
  }
  for (const at of rng.permutation(buffer.length)) yield buffer[at];
}
