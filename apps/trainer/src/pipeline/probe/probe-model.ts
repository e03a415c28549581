import { join } from "node:path";
import type { FloatTensor } from "@kdc-mae/core";
import { createRng, type Patches } from "@kdc-mae/core";
import { makeFolder, writeWhole } from "@kdc-mae/core/node";
import type { StoredClip } from "@kdc-mae/data";
import { createRunner, type Execute } from "@kdc-mae/engine";
import { matrix, probeEmbeddings } from "@kdc-mae/eval";
import { type ClipPictures, encodePng, joinPictures, type Picture } from "@kdc-mae/eval/report";
import { complementaryViews } from "@kdc-mae/masking";
import { attentionEntropies, type ModelConfig, type ModelParams } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import { clipFormFor } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import { openCutting } from "../evaluate/cutting.js";
import { type ClipEmbedding, filledBatches, rowOf } from "../evaluate/embed-clips.js";
import { type Embeddings, embedFunction, type WithEncoder } from "../evaluate/embedding.js";
import { clipPictures } from "../evaluate/pictures.js";
import { dealtBy, type Reconstructed, reconstructFunction, restoredPredictions } from "../evaluate/reconstruct.js";
import { restoredTargets } from "../evaluate/run-in-words.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { Prober } from "../log/observe-run.js";
import type { RunPicture } from "../log/run-logger.js";
import { createPatchSampler } from "../pretrain/draw-views.js";
import { pairingOf } from "../run/pairing.js";
import type { HeldOut } from "./held-out.js";

/** Clips embedded at once, and those whose attention is looked at: all of it is held. */
const BATCH = 16;
const ATTENDED = 4;
/** Where pictures of a run lie, beside its other files. */
export const PICTURES = "pictures";

type AttentionInputs = { readonly params: WithEncoder<Tensor>; readonly patches: Patches };

/** Spectrograms as wide as they are long: below each frame, at its width. */
const strip = (pictures: readonly (Picture | string | undefined)[]): Picture =>
  joinPictures(pictures.filter((picture): picture is Picture => typeof picture === "object"));

/** Looks at a model as it is trained; programs are made at the first look. */
export function createProber(options: {
  readonly execute: Execute;
  readonly config: ModelConfig;
  readonly experiment: CheckedExperiment;
  readonly statistics: Statistics;
  readonly heldOut: HeldOut;
  /** The model, read anew at every look. */
  readonly model: () => Promise<ModelParams<FloatTensor>>;
  /** The run's folder. */
  readonly folder: string;
}): Prober & { dispose(): Promise<void> } {
  const { execute, config, experiment, statistics, model, folder } = options;
  const { clips, recordings } = options.heldOut;
  const { pictures: pictured = 0, every } = experiment.training.probes ?? {};
  const grids = { audio: config.audio, visual: config.visual };
  const embedder = createRunner(execute, embedFunction(config));
  const attention = createRunner(execute, ({ params, patches }: AttentionInputs) => ({
    entropies: attentionEntropies(config, params, patches),
  }));
  const reconstructor = createRunner(execute, reconstructFunction(config));
  // A model that draws its views is shown the ones it would draw, and by what probabilities.
  const [audioRatio, visualRatio] = [experiment.masking.audioRatio, experiment.masking.visualRatio].map((ratio) =>
    Math.max(ratio, 0.5),
  );
  const sampler = config.sampler && createPatchSampler(execute, config, { views: 2, audioRatio, visualRatio });
  const targets = restoredTargets(experiment);
  const form = clipFormFor(grids, pairingOf(experiment), statistics.sampleRate);
  const cutting = openCutting(form, { statistics, batch: Math.min(BATCH, clips.length) });
  const cut = (some: readonly StoredClip[]) => cutting.cutter.cut(some.map((clip) => ({ clip })));
  const shown = clips.slice(0, pictured);
  let embedded: readonly ClipEmbedding[] = [];

  async function embed(encoder: ModelParams<FloatTensor>["encoder"]) {
    const width = config.embedDim;
    const rows = {
      audio: matrix(clips.length, width),
      visual: matrix(clips.length, width),
      joint: matrix(clips.length, width),
    };
    const first: ClipEmbedding[] = [];
    let done = 0;
    for await (const { clips: part, patches } of filledBatches(clips, cutting)) {
      const made = (await embedder.run({ encoder }, { patches }, 0)) as Embeddings;
      for (const [index, clip] of part.entries()) {
        const own = {
          audio: rowOf(made.audio, index),
          visual: rowOf(made.visual, index),
          joint: rowOf(made.joint, index),
        };
        for (const stream of ["audio", "visual", "joint"] as const) rows[stream].data.set(own[stream], done * width);
        if (done < pictured) {
          const tokens = { shape: made.tokens.shape.slice(1), data: rowOf(made.tokens, index) };
          first.push({ clip, ...own, tokens });
        }
        done += 1;
      }
    }
    embedded = first;
    return rows;
  }

  const written = async (name: string, file: string, picture: Picture): Promise<RunPicture> => {
    await writeWhole(join(folder, file), encodePng(picture));
    return { name, file, width: picture.width, height: picture.height };
  };
  const drawn = (clip: ClipPictures, step: number, index: number): Promise<RunPicture[]> => {
    const file = (what: string) => `${PICTURES}/step-${String(step).padStart(8, "0")}-${index}-${what}.png`;
    const { original, views, reconstructions, likely } = clip;
    const frames = [original, ...views.flatMap((view, v) => [view, reconstructions[v]])].map(({ frame }) => frame);
    const sounds = [original, views[0], reconstructions[0]].map(({ spectrogram }) => spectrogram);
    const name = clip.label === "" ? clip.id : `${clip.id}: ${clip.label}`;
    return Promise.all([
      written(
        `${name}, picture; what each view sees and makes of it; where it is heard`,
        file("picture"),
        strip([...frames, clip.heat]),
      ),
      written(`${name}, sound; what a view hears and makes of it`, file("sound"), strip(sounds)),
      ...(likely === undefined
        ? []
        : [
            written(`${name}, picture; how likely each patch is seen`, file("likely-picture"), strip([likely.frame])),
            written(
              `${name}, sound; how likely each patch is heard`,
              file("likely-sound"),
              strip([likely.spectrogram]),
            ),
          ]),
    ]);
  };

  return {
    every,
    async probe() {
      const { encoder } = await model();
      const rows = await embed(encoder);
      const { entropies } = (await attention.run({ encoder }, { patches: await cut(clips.slice(0, ATTENDED)) }, 0)) as {
        entropies: FloatTensor;
      };
      const [blocks, heads] = entropies.shape;
      const attentionEntropy = Array.from(
        { length: blocks },
        (_, block) =>
          entropies.data.subarray(block * heads, (block + 1) * heads).reduce((sum, value) => sum + value, 0) / heads,
      );
      const probe = probeEmbeddings({ ...rows, labels: clips.map(({ item }) => item.labels), recordings });
      return { probe, attentionEntropy };
    },
    async picture(step) {
      if (shown.length === 0) return [];
      await makeFolder(join(folder, PICTURES));
      const masker = complementaryViews({ views: 2, ratio: visualRatio });
      const params = await model();
      const root = createRng(experiment.seed).fork("evaluate");
      const streams = shown.map(({ item }) => root.fork(item.id));
      const patches = await cut(shown);
      const dealt = await (sampler?.sample(params, patches, streams) ?? dealtBy(masker, grids)(patches, streams));
      const { views } = dealt;
      const predictions = (await reconstructor.run(params, { patches, views }, 0)) as Reconstructed["predictions"];
      const made = restoredPredictions({ clips: shown, patches, ...dealt, predictions }, targets);
      const pictures = clipPictures(made, embedded, config, statistics);
      return (await Promise.all(pictures.map((clip, index) => drawn(clip, step, index)))).flat();
    },
    async dispose() {
      await embedder.dispose();
      await attention.dispose();
      await reconstructor.dispose();
      await sampler?.dispose();
    },
  };
}
