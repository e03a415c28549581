import { createRng, type FloatTensor, float32, type LossReport, type Stream } from "@kdc-mae/core";
import { adamW, createModelRunner, createTrainStep, warmupCosine } from "@kdc-mae/engine";
import { type Conduct, type Matrix, matrix } from "@kdc-mae/eval";
import { binaryCrossEntropy, crossEntropy } from "@kdc-mae/losses";
import { type AttentiveProbeParams, attentiveLogits, initAttentiveProbe } from "@kdc-mae/model";
import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import type { ClipSet } from "../../corpus/clip-set.js";
import { type Link, scoresBy } from "../predict.js";
import { type ClipTokens, shuffledEpochs, tokensOf } from "./held-tokens.js";
import { type Subject, sharedOf } from "./subject.js";

type Batch = { readonly tokens: Tensor3D; readonly targets: Tensor2D };
type Params<Leaf> = AttentiveProbeParams<Leaf>;

const losses = { softmax: crossEntropy, sigmoid: binaryCrossEntropy } as const;

/** Cross-entropy of an attentive probe on tokens `[B, N, D]` with targets `[B, C]`. */
export const attentiveLoss =
  (heads: number, link: Link) =>
  (params: Params<Tensor>, { tokens, targets }: Batch): LossReport => {
    const total = losses[link](attentiveLogits(params, tokens, heads), targets);
    return { total, terms: { total } };
  };

/** Settings of V-JEPA's probe: AdamW whose decay spares biases and norms. */
export const attentiveOptimizer = (weightDecay: number) =>
  adamW<Params<FloatTensor>>({ weightDecay, groups: [{ paths: /(bias|gain)$/, weightDecay: 0 }] });

/** Bytes of tokens held at once; of larger sets the encoder makes them anew every epoch. */
const HELD = 2 ** 31;

/** Clips a step learns from. */
const BATCH = 32;

/** A set that an attentive probe is fitted on, some of its clips, and the targets `[N, C]` of all. */
export type ProbedSet = { readonly set: ClipSet; readonly places: ArrayLike<number>; readonly targets: Matrix };

/** What an attentive probe is told: the tokens it looks at, and how its outputs become scores. */
type Attending = {
  readonly stream: Stream;
  readonly link: Link;
  readonly subject: Subject;
  readonly name: string;
};

/** As many clips as a program was made for, the last ones filled up. */
function batchOf(clips: readonly ClipTokens[], width: number, size: number): FloatTensor {
  const length = clips[0].tokens.length;
  const made = float32([size, length / width, width]);
  for (let at = 0; at < size; at++) made.data.set(clips[Math.min(at, clips.length - 1)].tokens, at * length);
  return made;
}

/** Some clips of a set. */
type Chosen = Omit<ProbedSet, "targets">;

async function* chosenTokens({ set, places }: Chosen, { subject, stream, name }: Attending, what: string) {
  const wanted = new Set(Array.from(places));
  for await (const one of tokensOf(set, subject, stream, `${name}, ${what}`)) if (wanted.has(one.place)) yield one;
}

/**
 * One probe for every learning rate, all on the same batches: the clips of every epoch are embedded once for all.
 *
 * @param settings epochs, at least so many steps whatever the epochs, rates, weight decay
 */
export async function fitAttentive(
  train: ProbedSet,
  { epochs, leastSteps, rates, weightDecay }: Extract<Conduct, { task: "attentive-probe" }>,
  attending: Attending,
): Promise<readonly { readonly rate: number; readonly params: Params<FloatTensor> }[]> {
  const { config } = sharedOf(attending.subject.saved);
  const { execute, signal } = attending.subject;
  const [width, classes] = [config.embedDim, train.targets.shape[1]];
  const count = train.places.length;
  const batch = Math.min(BATCH, count);
  const steps = Math.max(leastSteps, Math.floor((epochs * count) / batch));
  const rng = createRng("attentive-probe");
  // A stepper holds one state on a device, so each rate has its own.
  const trained = rates.map((rate) => ({
    rate,
    schedule: warmupCosine({ rate, warmup: 0, total: steps }),
    stepper: createTrainStep(
      execute,
      attentiveLoss(config.heads, attending.link),
      attentiveOptimizer(weightDecay),
      signal === undefined ? {} : { signal },
    ),
  }));
  try {
    const states = trained.map((one) => one.stepper.init(initAttentiveProbe(width, classes, rng.fork("start"))));
    const { audio, visual } = config;
    const tokens = { audio: audio.rows * audio.columns, visual: visual.rows * visual.columns };
    const most = Math.max(batch, Math.floor(HELD / (4 * width * (tokens.audio + tokens.visual))));
    const make = () => chosenTokens(train, attending, "embedding training clips");
    let part: ClipTokens[] = [];
    let step = 0;
    for await (const one of shuffledEpochs(
      make,
      count,
      most,
      Math.ceil((steps * batch) / count) + 1,
      rng.fork("order"),
    )) {
      part.push(one);
      if (part.length < batch) continue;
      const targets = float32([batch, classes]);
      for (const [at, { place }] of part.entries()) {
        targets.data.set(train.targets.data.subarray(place * classes, (place + 1) * classes), at * classes);
      }
      const given = { tokens: batchOf(part, width, batch), targets };
      for (const [at, { stepper: own, schedule }] of trained.entries())
        await own.step(states[at], given, schedule(step));
      attending.subject.onProgress(`${attending.name}, step ${step + 1}/${steps}`);
      part = [];
      if (++step === steps) break;
    }
    for (const [at, { stepper: own }] of trained.entries()) await own.collect(states[at]);
    return trained.map(({ rate }, at) => ({ rate, params: states[at].params as Params<FloatTensor> }));
  } finally {
    for (const { stepper: own } of trained) await own.dispose();
  }
}

/** Scores `[N, C]` of some clips by probes, in the order of the places. */
export async function predictAttentive(
  probes: readonly Params<FloatTensor>[],
  asked: Chosen,
  attending: Attending,
  what: string,
): Promise<readonly Matrix[]> {
  const { config } = sharedOf(attending.subject.saved);
  const { link } = attending;
  type Inputs = { readonly params: Params<Tensor>; readonly tokens: Tensor3D };
  const score = ({ params, tokens }: Inputs) => ({
    scores: scoresBy[link](attentiveLogits(params, tokens, config.heads)),
  });
  const runners = probes.map((params) => createModelRunner(attending.subject.execute, score, params));
  const classes = probes[0].linear.bias.data.length;
  const count = asked.places.length;
  const batch = Math.min(BATCH, count);
  const made = probes.map(() => matrix(count, classes));
  const rowOf = new Map(Array.from(asked.places, (place, row) => [place, row]));
  const flush = async (part: readonly ClipTokens[]) => {
    const tokens = batchOf(part, config.embedDim, batch);
    for (const [at, runner] of runners.entries()) {
      const scores = (await runner.run({ tokens })).scores as FloatTensor;
      for (const [index, { place }] of part.entries()) {
        const row = scores.data.subarray(index * classes, (index + 1) * classes);
        made[at].data.set(row, (rowOf.get(place) as number) * classes);
      }
    }
  };
  try {
    let part: ClipTokens[] = [];
    for await (const one of chosenTokens(asked, attending, what)) {
      part.push(one);
      if (part.length < batch) continue;
      await flush(part);
      part = [];
    }
    if (part.length > 0) await flush(part);
    return made;
  } finally {
    for (const runner of runners) await runner.dispose();
  }
}
