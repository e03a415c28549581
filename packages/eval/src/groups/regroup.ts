import { type BootstrapOptions, type Interval, jackknife, mapInterval, type Statistic } from "../bootstrap.js";
import { calibration, calibrationInterval } from "../classification/calibration.js";
import type { ClassificationResult } from "../classification/classification.js";
import type { FewShotResult, ShotScores } from "../classification/few-shot.js";
import { rankKinds } from "../classification/kind-scores.js";
import { oneHot } from "../classification/labels.js";
import { dPrime } from "../classification/roc.js";
import type { TaggingResult } from "../classification/tagging.js";
import type { HeadResult } from "../figures.js";
import type { ModalityInpainting } from "../inpainting/inpainting.js";
import { type Sighting, sightingFigures } from "../localization/detection.js";
import { type LocalizationResult, pointedClips } from "../localization/localization.js";
import type { Matrix } from "../matrix.js";
import { atPlaces, type Recordings } from "../recordings.js";
import type { DirectionScores, RetrievalResult } from "../retrieval/retrieval.js";
import { soundedWhereAlike, type VggSounderResult } from "../vggsounder/vggsounder.js";
import { intervalWhereAlike } from "../where-alike.js";

/** A figure that can be had of any of the clips it is of. */
export type Regrouped = {
  /** Of some clips, by their places, as often as they are named; NaN where it does not exist. */
  readonly over: (clips: ArrayLike<number>) => number;
  /** Its interval, where resampling clips would not give one; `recordings` are those of these clips. */
  readonly interval?: (clips: ArrayLike<number>, options?: BootstrapOptions) => Interval;
  /** The exact interval where the clips are all alike, in place of what was drawn. */
  readonly whereAlike?: (clips: ArrayLike<number>, drawn: Interval, recordings?: Recordings) => Interval;
  /** The clips themselves, where they are not all that were evaluated. */
  readonly ids?: readonly string[];
};

type Regroups = Readonly<Record<string, Regrouped>>;

/** A mean over clips; those whose value is NaN take no part. */
const meanOver = (values: ArrayLike<number>): Regrouped => ({
  over: (clips) => {
    let [sum, taken] = [0, 0];
    for (let i = 0; i < clips.length; i++) {
      const value = values[clips[i]];
      if (Number.isNaN(value)) continue;
      sum += value;
      taken++;
    }
    return sum / taken;
  },
});

const chosenOf = (values: ArrayLike<number>, clips: ArrayLike<number>) =>
  Float64Array.from(clips, (clip) => values[clip]);

/** A mean over clips of numbers from 0 to 1. */
const shareOver = (values: ArrayLike<number>): Regrouped => ({
  ...meanOver(values),
  whereAlike: (clips, drawn, recordings) =>
    intervalWhereAlike(chosenOf(values, clips), [0, 1], drawn.level, recordings) ?? drawn,
});

/** A figure that is recomputed from clips counted so many times each. */
const counted = (clips: number, statistic: Statistic): Regrouped["over"] => {
  const times = new Int32Array(clips);
  return (chosen) => {
    times.fill(0);
    for (let i = 0; i < chosen.length; i++) times[chosen[i]]++;
    return statistic(times);
  };
};

const medianOver = (values: ArrayLike<number>): Regrouped => ({
  over: (clips) => {
    const own = chosenOf(values, clips).sort();
    const middle = own.length >> 1;
    return own.length % 2 === 1 ? own[middle] : (own[middle - 1] + own[middle]) / 2;
  },
});

/** A share of an order, whose interval leaves clips out in turn, since a resample holds some twice. */
const leftOutInTurn = (over: Regrouped["over"]): Regrouped & Required<Pick<Regrouped, "interval">> => ({
  over,
  interval: (clips, options) => {
    const own = Array.from(clips);
    const figures = (counts: Int32Array) => ({
      value: over(own.flatMap((clip, at) => new Array<number>(counts[at]).fill(clip))),
    });
    return jackknife(own.length, figures, options).value;
  },
});

function ranking(kinds: readonly string[], scores: Matrix, targets: Matrix): Regroups {
  const { mAP, auc } = rankKinds(kinds, scores, targets).statistics;
  const [N] = scores.shape;
  const area = leftOutInTurn(counted(N, auc));
  return {
    ...{ mAP: leftOutInTurn(counted(N, mAP)), auc: area },
    dPrime: {
      over: (clips) => dPrime(area.over(clips)),
      interval: (clips, options) => mapInterval(area.interval(clips, options), dPrime),
    },
  };
}

const namesOf = ({ kinds }: TaggingResult | ClassificationResult) => kinds.map(({ kind }) => kind);

function ofClassification(result: ClassificationResult): Regroups {
  const { probabilities, labels, correct } = result.clips;
  const [N, C] = probabilities.shape;
  const confidence = Float64Array.from({ length: N }, (_, clip) =>
    Math.max(...probabilities.data.subarray(clip * C, (clip + 1) * C)),
  );
  const part = (clips: ArrayLike<number>) =>
    [confidence, correct].map((values) => chosenOf(values, clips)) as [Float64Array, Float64Array];
  return {
    accuracy: shareOver(correct),
    ...ranking(namesOf(result), probabilities, oneHot(labels, C)),
    calibration: {
      over: (clips) => calibration(...part(clips)).error,
      interval: (clips, options) => calibrationInterval(...part(clips), options),
    },
  };
}

/** Queries of a group, in the whole gallery; of at least as many as that holds all are hits, whatever the clips. */
const ofDirection = (direction: string, { ranks }: DirectionScores): Regroups => ({
  ...Object.fromEntries(
    [1, 5, 10].map((k) => {
      const hits = Uint8Array.from(ranks, (rank) => (rank < k ? 1 : 0));
      return [`${direction}.r${k}`, k < ranks.length ? shareOver(hits) : meanOver(hits)];
    }),
  ),
  [`${direction}.medianRank`]: medianOver(Float64Array.from(ranks, (rank) => rank + 1)),
});

const ofRetrieval = ({ audioToVisual, visualToAudio }: RetrievalResult): Regroups => ({
  ...ofDirection("audioToVisual", audioToVisual),
  ...ofDirection("visualToAudio", visualToAudio),
});

function ofInpainting(modality: string, { clips, peak }: ModalityInpainting): Regroups {
  const inUnits = meanOver(clips.mseInUnits).over;
  return {
    [`${modality}.mse`]: meanOver(clips.mse),
    [`${modality}.psnr`]: { over: (some) => 10 * Math.log10((peak * peak) / inUnits(some)) },
  };
}

function ofLocalization(result: LocalizationResult): Regroups {
  const pointed = pointedClips(result);
  const located = (values: readonly number[]): Regrouped => ({ ...shareOver(values), ids: pointed.ids });
  const seen = new Map<string, Sighting[]>();
  for (const { id, ...step } of result.steps) {
    const own = seen.get(id);
    if (own === undefined) seen.set(id, [step]);
    else own.push(step);
  }
  const sightings = [...seen.values()];
  const detected = (task: "presence" | "located", figure: "averagePrecision" | "maxF1"): Regrouped => ({
    ids: [...seen.keys()],
    ...leftOutInTurn(
      (clips) =>
        sightingFigures(
          Array.from(clips, (clip) => sightings[clip]),
          task,
        )[figure],
    ),
  });
  return {
    ...{ ciou50: located(pointed.ciou50), auc: located(pointed.auc), ciou: located(pointed.ciou) },
    pixelAP: located(pointed.pixelAP),
    ...(result.detection === null
      ? {}
      : Object.fromEntries(
          (["presence", "located"] as const).flatMap((task) =>
            (["averagePrecision", "maxF1"] as const).map((key) => [`${task}.${key}`, detected(task, key)]),
          ),
        )),
  };
}

/** Mean over the kinds among some clips of the share of episodes in which their clips are said to be of them. */
function recallOver(labels: ArrayLike<number>, { right }: ShotScores, kinds: number): Regrouped["over"] {
  const [sums, all] = [new Float64Array(kinds), new Int32Array(kinds)];
  return (clips) => {
    sums.fill(0);
    all.fill(0);
    for (let i = 0; i < clips.length; i++) {
      sums[labels[clips[i]]] += right[clips[i]];
      all[labels[clips[i]]]++;
    }
    let [recall, taken] = [0, 0];
    for (let kind = 0; kind < kinds; kind++) {
      if (all[kind] === 0) continue;
      recall += sums[kind] / all[kind];
      taken++;
    }
    return recall / taken;
  };
}

/**
 * Where all clips are alike: a mean over kinds leans on the rarest, so that as many clips of every kind count as that one
 * has (the mean of their shares is least, of those with the same product, where they are equal). Of clips that are parts of
 * recordings, a recording counts for one kind once, and as few of all kinds together as there are.
 */
const recallWhereAlike =
  (labels: ArrayLike<number>, { right }: ShotScores): NonNullable<Regrouped["whereAlike"]> =>
  (clips, drawn, recordings) => {
    const recordingsOf = new Map<number, Set<number>>();
    for (let i = 0; i < clips.length; i++) {
      const label = labels[clips[i]];
      const own = recordingsOf.get(label) ?? new Set();
      recordingsOf.set(label, own.add(recordings?.[i] ?? i));
    }
    const own = chosenOf(right, clips);
    if (intervalWhereAlike(own, [0, 1], drawn.level, recordings) === undefined) return drawn;
    const rarest = Math.min(...Array.from(recordingsOf.values(), ({ size }) => size));
    const all = recordings === undefined ? clips.length : new Set(Array.from(recordings)).size;
    const counting = own.subarray(0, Math.min(all, recordingsOf.size * rarest));
    return intervalWhereAlike(counting, [0, 1], drawn.level) ?? drawn;
  };

const ofFewShot = ({ shots, labels, kinds }: FewShotResult): Regroups =>
  Object.fromEntries(
    shots.map((one) => [
      `shots.${one.shots}`,
      { over: recallOver(labels, one, kinds), whereAlike: recallWhereAlike(labels, one) },
    ]),
  );

function ofSounder({ given, alone, confusion }: VggSounderResult): Regroups {
  const scored = Object.entries({ ...given, ...alone }).flatMap(([key, scores]): (readonly [string, Regrouped])[] => {
    if (scores === null) return [];
    const { hits, wanted } = scores.byClip;
    const sumsOver = (clips: ArrayLike<number>) => {
      let [hit, said, all] = [0, 0, 0];
      for (let i = 0; i < clips.length; i++) {
        if (wanted[clips[i]] === 0) continue;
        hit += hits[clips[i]];
        said++;
        all += wanted[clips[i]];
      }
      return { hit, said, all };
    };
    const whereAlike =
      (figure: "f1" | "hitRate"): NonNullable<Regrouped["whereAlike"]> =>
      (clips, drawn, recordings) => {
        const places = [...Array(clips.length).keys()].filter((at) => wanted[clips[at]] > 0);
        const own = chosenOf(hits, chosenOf(clips, places));
        const parts = atPlaces({ recordings }, places)?.recordings;
        return soundedWhereAlike({ f1: drawn, hitRate: drawn }, own, sumsOver(clips).all, parts)[figure];
      };
    const f1 = ({ hit, said, all }: ReturnType<typeof sumsOver>) => (2 * hit) / (said + all);
    return [
      [`${key}.f1`, { over: (clips) => f1(sumsOver(clips)), whereAlike: whereAlike("f1") }],
      [
        `${key}.hitRate`,
        { over: (clips) => ((sums) => sums.hit / sums.said)(sumsOver(clips)), whereAlike: whereAlike("hitRate") },
      ],
    ];
  });
  const confused = Object.entries(confusion).map(
    ([key, { byClip }]) => [`confusion.${key}`, shareOver(byClip)] as const,
  );
  return Object.fromEntries([...scored, ...confused]);
}

/** What each figure of a result is of some of its clips, by the figure's key. */
export function regroup(made: HeadResult): Regroups {
  switch (made.head) {
    case "classification":
      return ofClassification(made.result);
    case "tagging":
      return ranking(namesOf(made.result), made.result.clips.scores, made.result.clips.targets);
    case "retrieval":
      return ofRetrieval(made.result);
    case "inpainting":
      return { ...ofInpainting("audio", made.result.audio), ...ofInpainting("visual", made.result.visual) };
    case "localization":
      return ofLocalization(made.result);
    case "few-shot":
      return ofFewShot(made.result);
    case "vggsounder":
      return ofSounder(made.result);
  }
}
