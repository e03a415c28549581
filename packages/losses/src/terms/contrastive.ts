import { type EncodedView, type Evidence, expectShape } from "@kdc-mae/core";
import {
  add,
  argMax,
  cast,
  div,
  equal,
  eye,
  logSoftmax,
  logSumExp,
  matMul,
  max,
  mean,
  mul,
  neg,
  range,
  reshape,
  type Scalar,
  sum,
  type Tensor2D,
  type Tensor3D,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";
import { average } from "../average.js";
import { aboveZero, expectOptions, oneOf, strictOptions } from "../options.js";
import type { LossTerm } from "../term.js";
import { unitLength } from "../unit-length.js";

/** Options of the term `contrastive`. */
export type ContrastiveOptions = {
  /** Divides the cosines. Default 0.05. */
  readonly temperature?: number;
  /** Which modality asks and which answers. Default `visual-to-audio`, as published; `both` is the mean of the two. */
  readonly direction?: "visual-to-audio" | "audio-to-visual" | "both";
  /**
   * What of the picture is compared with the mean audio token: its mean token (`mean`, default, as published), the one
   * that fits best (`max`, multiple-instance learning as in EZ-VSL, Mo & Morgado 2022), or all of them, each as far as it
   * fits (`log-sum-exp`: their soft maximum at the loss's temperature, as MIL-NCE, Miech et al. 2020, sums over
   * candidates). The last two teach where a sound is seen; the mean lets any token stand for the whole picture.
   */
  readonly pooling?: "mean" | "max" | "log-sum-exp";
  /**
   * Which tokens stand for sound and picture: those of their patches (`patches`, default, as published), the global
   * token of each (`global`, CAV-MAE Sync, Araujo et al. 2025), or the mean of both losses (`both`, its global-local
   * loss). The last two ask for a model with global tokens.
   */
  readonly tokens?: "patches" | "global" | "both";
  /**
   * Which views are contrasted: those that are rebuilt (`shared`, default, as published), or views that the contrast has
   * for itself, encoded once more with another visibility (`own`, TG-DP, Wang et al. 2026; `masking.contrast`).
   */
  readonly path?: "shared" | "own";
};

/** Mean token, scaled to length one: `[B, K, D]` → `[B, D]`. */
const unitMean = (tokens: Tensor3D): Tensor2D => unitLength(mean<Tensor2D>(tokens, 1));

/** Cosines of every clip's mean sound with every visual token of every clip, `[B, B, K]`. */
function tokenCosines(audio: Tensor3D, visual: Tensor3D): Tensor3D {
  const [B, K, D] = visual.shape;
  const tokens = reshape(unitLength(visual), [B * K, D]) as Tensor2D;
  return reshape(matMul(unitMean(audio), tokens, false, true), [audio.shape[0], B, K]);
}

/** Scores of every clip's sound (rows) with every clip's picture (columns), `[B, B]`: cosines over the temperature. */
const poolings: Record<
  NonNullable<ContrastiveOptions["pooling"]>,
  (audio: Tensor3D, visual: Tensor3D, temperature: number) => Tensor2D
> = {
  mean: (audio, visual, temperature) => div(matMul(unitMean(audio), unitMean(visual), false, true), temperature),
  max: (audio, visual, temperature) => div(max(tokenCosines(audio, visual), 2), temperature),
  "log-sum-exp": (audio, visual, temperature) => logSumExp(div(tokenCosines(audio, visual), temperature), 2),
};

/** Per direction: the scores with who asks in rows and who answers in columns. */
const directions: Record<NonNullable<ContrastiveOptions["direction"]>, (scores: Tensor2D) => Tensor2D[]> = {
  "visual-to-audio": (scores) => [transpose(scores)],
  "audio-to-visual": (scores) => [scores],
  both: (scores) => [transpose(scores), scores],
};

type Pair = readonly ["audio" | "globalAudio", "visual" | "globalVisual"];
const [patchTokens, globalTokens]: readonly [Pair, Pair] = [
  ["audio", "visual"],
  ["globalAudio", "globalVisual"],
];

/** Which streams are compared. */
const tokenPairs: Record<NonNullable<ContrastiveOptions["tokens"]>, readonly Pair[]> = {
  patches: [patchTokens],
  global: [globalTokens],
  both: [globalTokens, patchTokens],
};

const schema = strictOptions<ContrastiveOptions>({
  temperature: aboveZero(0.05),
  direction: oneOf(Object.keys(directions)),
  pooling: oneOf(Object.keys(poolings)),
  tokens: oneOf(Object.keys(tokenPairs)),
  path: oneOf(["shared", "own"]),
});

/** @throws KdcError for an option that is unknown or out of range */
function readOptions(options: ContrastiveOptions = {}) {
  expectOptions({ name: "contrastive", schema }, options);
  const { temperature = 0.05, direction = "visual-to-audio", pooling = "mean", tokens = "patches" } = options;
  const streams = tokenPairs[tokens];
  return {
    // Of a sound the mean token is always looked at.
    pooled: streams.flatMap(([audio, visual]) => (pooling === "mean" ? [audio, visual] : [audio])),
    pairs: streams,
    ...{ temperature, asked: directions[direction], scored: poolings[pooling] },
    // Where the views of a path stand in the evidence, and what is needed of them.
    ...(options.path === "own"
      ? { viewsOf: ({ contrast = [] }: Evidence) => contrast, needed: "contrast" as const }
      : { viewsOf: ({ views }: Evidence) => views, needed: "encoded" as const }),
  };
}

/** For each direction the scores `[B asking, B answering]`: cosines over the temperature; the true pairs are the diagonal. */
function scores(audio: Tensor3D, visual: Tensor3D, options: ContrastiveOptions): Tensor2D[] {
  const { temperature, asked, scored } = readOptions(options);
  const { B, D } = expectShape("contrastive", "audio tokens", audio, "B K D");
  expectShape("contrastive", "visual tokens", visual, "B _ D", { B, D });
  return asked(scored(audio, visual, temperature));
}

/**
 * How hard it is to tell, by cosine, a clip's own sound from the other clips' sounds (InfoNCE, van den Oord et al.
 * 2018; CAV-MAE, Gong et al. 2023): mean over clips of −log softmax at the true pair. At chance it is ln B.
 *
 * @param audio tokens `[B, K, D]`
 * @param visual tokens `[B, K', D]`
 */
export function contrastiveLoss(audio: Tensor3D, visual: Tensor3D, options: ContrastiveOptions = {}): Scalar {
  return tidy(() => {
    const clips = audio.shape[0];
    return average(
      scores(audio, visual, options).map((asked) => {
        const truePairs = sum(mul(logSoftmax(asked), eye(clips)));
        return neg(div(truePairs, clips)) as Scalar;
      }),
    );
  });
}

/** Share of clips whose highest score is their own partner, for the same arguments as {@link contrastiveLoss}. */
export function contrastiveAccuracy(audio: Tensor3D, visual: Tensor3D, options: ContrastiveOptions = {}): Scalar {
  return tidy(() => {
    const own = range(0, audio.shape[0], 1, "int32");
    return average(
      scores(audio, visual, options).map((asked) => mean(cast(equal(argMax(asked, 1), own), "float32")) as Scalar),
    );
  });
}

/** {@link contrastiveLoss} between the audio and the visual stream of each view, summed over the views of its path. */
export const contrastive: LossTerm<ContrastiveOptions> = {
  name: "contrastive",
  schema,
  comparesClips: true,
  needs: (options) => {
    const { pairs, needed, pooled } = readOptions(options);
    return { views: 1, clips: 2, [needed]: pairs.flat(), pooled, patches: false };
  },
  compute: (evidence, options) =>
    tidy(() => {
      const { pairs, viewsOf } = readOptions(options);
      const ofView = ({ encoded }: EncodedView) =>
        average(
          pairs.map(([audio, visual]) =>
            contrastiveLoss(encoded[audio] as Tensor3D, encoded[visual] as Tensor3D, options),
          ),
        );
      return viewsOf(evidence)
        .map(ofView)
        .reduce((total, next) => add(total, next));
    }),
};
