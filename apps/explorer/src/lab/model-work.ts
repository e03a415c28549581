import {
  type ClipView,
  type FloatTensor,
  type Frame,
  float32,
  type HostPatches,
  KdcError,
  type Modality,
} from "@kdc-mae/core";
import {
  assembleBatch,
  audioPatches,
  denormalizeFrame,
  denormalizeSpectrogram,
  pasteFrame,
  pasteSpectrogram,
  visualPatches,
} from "@kdc-mae/data";
import { createModelRunner, createRunner, type ModelRunner } from "@kdc-mae/engine";
import { denormalizePatches, minMax, similarityMap } from "@kdc-mae/eval";
import { batchViews } from "@kdc-mae/masking";
import { countParameters, type ModelParams, parseSafetensors } from "@kdc-mae/model";
import {
  clipFormFor,
  columnsNear,
  embedFunction,
  frontEndOf,
  meanRows,
  modelIn,
  momentsFunction,
  reconstructFunction,
  type SavedModel,
  usesNormPixels,
} from "@kdc-mae/trainer/recipe";
import type { Eyes } from "../media/eyes.js";
import { type Engine, type EngineChoice, openEngine } from "./engine.js";

/** What the page says of a model. */
export type ModelFacts = {
  readonly name: string;
  readonly parameters: number;
  readonly eyes: Eyes;
  readonly engine: { readonly kind: Engine["kind"]; readonly name: string; readonly why?: string };
  readonly milliseconds: { readonly read: number; readonly engine: number };
};

/** A clip as the model is given it: log-mel `[T, bins]`, not padded, and one fitted picture. */
export type Given = { readonly spectrogram: FloatTensor; readonly frame: Frame };

/** A view filled in: what was seen is kept, what was hidden is the model's. */
export type Filled = {
  readonly spectrogram: FloatTensor;
  readonly frame: Omit<Frame, "time">;
  /** Mean squared error over hidden patches, of normalised values; NaN where none is hidden. */
  readonly error: Readonly<Record<Modality, number>>;
};

export type Timed<T> = T & { readonly milliseconds: number };

const timed = async <T extends object>(work: () => Promise<T>): Promise<Timed<T>> => {
  const start = performance.now();
  return { ...(await work()), milliseconds: performance.now() - start };
};

const one = ({ shape, data }: FloatTensor): FloatTensor => float32([1, ...shape], data);
const without = ({ shape, data }: FloatTensor): FloatTensor => float32(shape.slice(1), data);

/** Moments that are worked out at a time. */
const together = 5;

/** As many programs of different numbers of hidden patches as are kept at a time. */
const mostProgrammed = 8;

/** Runs a function of a model's numbers as they are at every run. */
export const changingRunner: typeof createModelRunner = (execute, fn, params) => {
  const runner = createRunner(execute, fn);
  return { run: (given) => runner.run(params, given), dispose: runner.dispose };
};

/** A model ready to work on clips. @param runnerOf how its functions are run: with numbers that stay, unless given */
export function workWith(saved: SavedModel, engine: Engine, runnerOf: typeof createModelRunner = createModelRunner) {
  const { config, params, statistics } = saved;
  const grids = { audio: config.audio, visual: config.visual };
  const form = clipFormFor(grids, 10, statistics.sampleRate);
  const front = frontEndOf(form, statistics);
  const encoder = { encoder: params.encoder };
  // Such a model's patches get the true ones' mean and deviation back.
  const normalised = usesNormPixels(saved.experiment);
  type Reconstruct = ModelRunner<Parameters<ReturnType<typeof reconstructFunction>>[0], unknown>;
  let reconstruct: Reconstruct | undefined;
  let programmed = new Set<string>();
  const embed = runnerOf(engine.execute, embedFunction(config), encoder);
  const moments = runnerOf(engine.execute, momentsFunction(config), encoder);

  const patchesOf = ({ spectrogram, frame }: Given): HostPatches => ({
    audio: one(audioPatches(spectrogram, front.audio, grids.audio)),
    visual: one(visualPatches(frame, front.visual.size, grids.visual)),
  });

  const fillIn = async (given: Given, views: readonly ClipView[]): Promise<{ filled: readonly Filled[] }> => {
    const patches = patchesOf(given);
    const key = views.map(({ audio, visual }) => `${audio.visible.length}/${visual.visible.length}`).join();
    if (!programmed.has(key) && programmed.size >= mostProgrammed) {
      await reconstruct?.dispose();
      [reconstruct, programmed] = [undefined, new Set()];
    }
    programmed.add(key);
    reconstruct ??= runnerOf(engine.execute, reconstructFunction(config), params) as Reconstruct;
    const made = (await reconstruct.run({ patches, views: batchViews([views]) })) as readonly Record<
      Modality,
      FloatTensor
    >[];
    return {
      filled: made.map((predicted, index) => {
        const whole = (modality: Modality) => {
          const truth = patches[modality];
          const values = normalised[modality]
            ? denormalizePatches(truth, predicted[modality]).data
            : predicted[modality].data;
          const out = Float32Array.from(truth.data);
          const [, , P] = truth.shape;
          const { hidden } = views[index][modality];
          let error = 0;
          for (const position of hidden) {
            for (let at = position * P; at < (position + 1) * P; at++) {
              error += (values[at] - truth.data[at]) ** 2;
              out[at] = values[at];
            }
          }
          return { patches: without(float32(truth.shape, out)), error: error / (hidden.length * P) };
        };
        const [audio, visual] = [whole("audio"), whole("visual")];
        return {
          spectrogram: denormalizeSpectrogram(
            pasteSpectrogram(audio.patches, grids.audio),
            statistics.mean,
            statistics.std,
          ),
          frame: denormalizeFrame(pasteFrame(visual.patches, grids.visual), 0),
          error: { audio: audio.error, visual: visual.error },
        };
      }),
    };
  };

  /** Where the sound of each moment is seen, `[steps][rows · columns]`, 0 to 1 over the whole film. */
  const heat = async (
    { spectrogram, frames }: { spectrogram: FloatTensor; frames: readonly Frame[] },
    tell?: (done: number) => void,
  ) => {
    const { rows, columns } = grids.visual;
    const audio = audioPatches(spectrogram, front.audio, grids.audio);
    const [Nv, D] = [rows * columns, config.embedDim];
    const steps: Float32Array[] = [];
    for (let from = 0; from < frames.length; from += together) {
      const some = frames.slice(from, from + together);
      // The last batch is filled up, so that one program does.
      const shown = Array.from({ length: together }, (_, at) => some[Math.min(at, some.length - 1)]);
      const visual = shown.map((frame) => visualPatches(frame, front.visual.size, grids.visual));
      const patches = assembleBatch(visual.map((picture) => ({ audio, visual: picture })));
      const made = (await moments.run({ patches })) as Record<"moments" | "tokens", FloatTensor>;
      const perClip = made.moments.data.length / together;
      for (const [at, { time }] of some.entries()) {
        const near = columnsNear(time, grids.audio.columns, form.seconds);
        const sound = meanRows(made.moments.data.subarray(at * perClip, (at + 1) * perClip), near, D);
        const tokens = { shape: [Nv, D] as const, data: made.tokens.data.subarray(at * Nv * D, (at + 1) * Nv * D) };
        steps.push(similarityMap(sound, tokens, grids.visual).data);
      }
      tell?.(steps.length);
    }
    const all = Float32Array.from(steps.flatMap((step) => [...step]));
    const { data } = minMax({ shape: [steps.length, rows * columns], data: all });
    return {
      rows,
      columns,
      times: frames.map(({ time }) => time),
      maps: steps.map((_, at) => data.slice(at * rows * columns, (at + 1) * rows * columns)),
    };
  };

  return {
    config,
    fill: (given: Given, views: readonly ClipView[]) => timed(() => fillIn(given, views)),
    heat: (film: Parameters<typeof heat>[0], tell?: (done: number) => void) => timed(() => heat(film, tell)),
    embed: (given: Given) =>
      timed(async () => {
        const { audio, visual, joint } = (await embed.run({ patches: patchesOf(given) })) as Record<
          "audio" | "visual" | "joint",
          FloatTensor
        >;
        return { audio: audio.data.slice(), visual: visual.data.slice(), joint: joint.data.slice() };
      }),
    dispose: async () => {
      await Promise.all([reconstruct?.dispose(), embed.dispose(), moments.dispose()]);
    },
  };
}
export type ModelAtWork = ReturnType<typeof workWith>;

let current: { readonly work: ModelAtWork; readonly engine: Engine; readonly sha256: string } | undefined;

const atWork = (): ModelAtWork => {
  if (current !== undefined) return current.work;
  throw new KdcError({
    where: "the model",
    what: "there is none",
    remedy: "Choose a model.safetensors first",
    reason: "no-model",
  });
};

/** A checkpoint far beyond what a page can hold, bytes. */
const largest = 2 ** 31;

const inHex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** What the lab does with a model; the one before stays where the next cannot be read. */
export const modelWork = {
  load: async ({
    file,
    name,
    engine: choice,
  }: {
    file: Blob;
    name: string;
    engine: EngineChoice;
  }): Promise<ModelFacts> => {
    if (file.size > largest) {
      const gigabytes = (file.size / 2 ** 30).toFixed(1);
      throw new KdcError({
        where: name,
        what: `it has ${gigabytes} GB, more than a page can hold`,
        remedy: "Use the command line for it",
        reason: "too-large",
      });
    }
    const start = performance.now();
    const bytes = new Uint8Array(await file.arrayBuffer());
    const saved = modelIn(name, parseSafetensors(bytes));
    const read = performance.now() - start;
    const engine = await openEngine(choice);
    const opened = performance.now() - start - read;
    const before = current;
    current = {
      ...{ work: workWith(saved, engine), engine },
      sha256: inHex(await crypto.subtle.digest("SHA-256", bytes)),
    };
    await before?.work.dispose();
    await before?.engine.dispose();
    const { kind, name: called, why } = engine;
    const { config, statistics, experiment } = saved;
    return {
      name: experiment.name,
      parameters: countParameters(saved.params as ModelParams<FloatTensor>),
      eyes: { grids: { audio: config.audio, visual: config.visual }, statistics },
      engine: { kind, name: called, why },
      milliseconds: { read, engine: opened },
    };
  },
  fill: ({ given, views }: { given: Given; views: readonly ClipView[] }) => atWork().fill(given, views),
  heat: (film: { spectrogram: FloatTensor; frames: readonly Frame[] }, tell: (done: number) => void) =>
    atWork().heat(film, tell),
  embed: (given: Given) => atWork().embed(given),
  /** The SHA-256 of the model's file, by which an index knows it. */
  fingerprint: () => current?.sha256,
};
