import { type FloatTensor, KdcError, type Waveform } from "@kdc-mae/core";
import { audioPatches, spectrogramOf, visualPatches } from "@kdc-mae/data";
import { createModelRunner, type Execute } from "@kdc-mae/engine";
import { clipFormFor, frontEndOf } from "../corpus/clip-form.js";
import type { WithEncoder } from "../evaluate/embedding.js";
import type { SavedModel } from "../run/model-file.js";
import {
  type Cut,
  type CutInputs,
  functionOf,
  kindOf,
  nearestTo,
  type PlainFrame,
  rgb,
  stacked,
} from "./cut-stretch.js";

export type { PlainFrame } from "./cut-stretch.js";

/** One stretch of a recording, no longer than the model's own. A `MediaWindow` is one. */
export type EmbedInput = {
  /** Mono, at any rate. */
  readonly sound?: Waveform;
  /** The one nearest to the middle is looked at. */
  readonly frames?: readonly PlainFrame[];
  /** Where it lies in its film, seconds; its middle is else that of the sound. */
  readonly start?: number;
  readonly end?: number;
};

/** What the model makes of it, each `[D]`: the mean over the tokens of each stream. `joint` needs sound and picture. */
export type Vectors = {
  readonly audio?: Float32Array;
  readonly visual?: Float32Array;
  readonly joint?: Float32Array;
};

/** A model made ready to embed sound and pictures. */
export type Embedder = {
  /** Longest stretch that it hears at a time, seconds. */
  readonly seconds: number;
  /** Hz; sound of this rate needs no resampling. */
  readonly sampleRate: number;
  /** Side of the square pictures that it looks at, pixels; those of this size need no fitting. */
  readonly imageSize: number;
  /** @throws KdcError (`too-long`, `too-short`, `shape`, `no-input`) for what the model cannot take */
  embed(input: EmbedInput): Promise<Vectors>;
  /** A stream of stretches in, a stream of vectors out, in their order; as many at a time as fill a batch. */
  embedAll<Input extends EmbedInput>(
    inputs: AsyncIterable<Input> | Iterable<Input>,
  ): AsyncGenerator<{ readonly input: Input; readonly vectors: Vectors }>;
  /** Disposes of the model’s programs. */
  dispose(): Promise<void>;
};

/** Anything with an encoder, and how its sound is normalised: a pretrained model or a classifier, as `loadModel` gives. */
export type EmbeddingModel = Pick<SavedModel, "config" | "statistics"> & { readonly params: WithEncoder<FloatTensor> };

/** How {@link createEmbedder} runs a model. */
export type EmbedderOptions = {
  /** What computes: `compiled()` of `@kdc-mae/engine/node` or `@kdc-mae/engine/web`, or `eager("cpu")`. */
  readonly execute: Execute;
  /** Most stretches that are computed together by `embedAll` (1 by default). */
  readonly batch?: number;
};

/** A little more sound than the model's own length is rounding, seconds. */
const rounding = 0.1;

/**
 * Makes a model embed plain arrays, in Node and in browsers alike: nothing is hidden, and each modality is looked at alone
 * where the other is not there. Programs are made at the first use.
 */
export function createEmbedder(model: EmbeddingModel, { execute, batch = 1 }: EmbedderOptions): Embedder {
  const { config, statistics, params } = model;
  const form = clipFormFor(config, 1, statistics.sampleRate);
  const { audio, visual } = frontEndOf(form, statistics);
  const { seconds } = form;
  const program = (given: CutInputs) => functionOf(config, kindOf(given.patches))(given);
  const runner = createModelRunner(execute, program, { encoder: params.encoder });

  const cut = (input: EmbedInput): Cut => {
    const picture = middlePicture(input);
    const { sound } = input;
    if (sound) expectSound(sound, seconds);
    if (!sound && !picture) throw nothing();
    return {
      ...(sound ? { audio: audioPatches(spectrogramOf(sound, audio), audio, config.audio) } : {}),
      ...(picture ? { visual: visualPatches(rgb(picture), visual.size, config.visual) } : {}),
    };
  };
  const embedBatch = async (cuts: readonly Cut[]): Promise<readonly Vectors[]> => {
    const [first] = cuts;
    const patches = {
      ...(first.audio ? { audio: stacked(cuts.map((one) => one.audio!)) } : {}),
      ...(first.visual ? { visual: stacked(cuts.map((one) => one.visual!)) } : {}),
    };
    const made = (await runner.run({ patches })) as Readonly<Record<string, FloatTensor>>;
    const D = config.embedDim;
    return cuts.map((_, at) =>
      Object.fromEntries(Object.entries(made).map(([name, { data }]) => [name, data.slice(at * D, (at + 1) * D)])),
    );
  };

  async function* inBatches<Input extends EmbedInput>(inputs: AsyncIterable<Input> | Iterable<Input>) {
    let waiting: { readonly input: Input; readonly patches: Cut }[] = [];
    async function* flush() {
      const part = waiting;
      waiting = [];
      if (part.length === 0) return;
      // One size of batch, one program: the last one fills it up.
      const filled = Array.from({ length: batch }, (_, at) => part[Math.min(at, part.length - 1)].patches);
      const made = await embedBatch(filled);
      for (const [at, { input }] of part.entries()) yield { input, vectors: made[at] };
    }
    for await (const input of inputs) {
      const patches = cut(input);
      if (waiting.length > 0 && kindOf(waiting[0].patches) !== kindOf(patches)) yield* flush();
      waiting.push({ input, patches });
      if (waiting.length === batch) yield* flush();
    }
    yield* flush();
  }

  return {
    ...{ seconds, sampleRate: audio.sampleRate, imageSize: visual.size },
    embed: async (input) => (await embedBatch([cut(input)]))[0],
    embedAll: inBatches,
    dispose: runner.dispose,
  };
}

/** The picture taken nearest to the middle; of pictures without times the one in the middle of the list. */
function middlePicture({ frames = [], sound, start, end }: EmbedInput): PlainFrame | undefined {
  const length =
    start !== undefined && end !== undefined ? end - start : sound && sound.samples.length / sound.sampleRate;
  if (length === undefined || frames.some(({ time }) => time === undefined)) return frames[frames.length >> 1];
  return nearestTo(frames, length / 2);
}

function expectSound({ samples, sampleRate }: Waveform, most: number): void {
  const length = samples.length / sampleRate;
  if (length <= most + rounding) return;
  throw new KdcError({
    where: "embed",
    what: `the sound lasts ${length.toFixed(2)} s and the model hears ${most} s at a time`,
    remedy: `Cut it into windows: windowsOf({ sound, frames }, { window: ${most} }) of @kdc-mae/data`,
    reason: "too-long",
  });
}

const nothing = () =>
  new KdcError({
    where: "embed",
    what: "there is neither sound nor a picture",
    remedy: "Give sound, frames, or both",
    reason: "no-input",
  });
