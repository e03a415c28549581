import { createRng, KdcError } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, meanOf } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import { findProtocol, type Protocol, varyProtocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { fewerThan, recordingNumbers, standsOnOne } from "../recordings.js";
import { withExact } from "../where-alike.js";
import { type Detection, detection } from "./detection.js";
import { detectionMetrics } from "./localization-protocols.js";
import {
  centreSides,
  type LocalizationStep,
  type MapSizes,
  type Overlaps,
  type StepScores,
  scoreStep,
} from "./score-step.js";
import { ezVsl, type Scoring, successArea } from "./scoring.js";

/** A clip with one step (the middle frame with the whole sound), or with several over time. */
export type LocalizationClip = {
  readonly id: string;
  /** What it is a part of, such as a film; itself unless given. Intervals are by recording. */
  readonly recording?: string;
  readonly steps: readonly (LocalizationStep & {
    /** Seconds into the clip. */
    readonly time?: number;
  })[];
};

/** Clips with heat maps and boxes, and how they are scored. */
export type LocalizationInput = MapSizes & {
  /** Taken one at a time, so they may be made on the way. */
  readonly clips: Iterable<LocalizationClip> | AsyncIterable<LocalizationClip>;
  readonly scoring?: Scoring;
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: Omit<BootstrapOptions, "recordings">;
};

/** Scores of one way to point at things, means over clips. */
export type PointingScores = {
  /** Share of steps with cIoU ≥ 0.5. */
  readonly ciou50: number;
  readonly auc: number;
  /** Mean cIoU. */
  readonly ciou: number;
  readonly intervals: Readonly<Record<"ciou50" | "auc" | "ciou", Interval>>;
};

/** One step's line in the table. */
export type LocalizedStep = StepScores & { readonly id: string; readonly time?: number };

/** How well heat maps point at what sounds, beside boxes that look at nothing. */
export type LocalizationResult = Evaluated &
  PointingScores & {
    readonly pixelAP: number;
    readonly pixelAPInterval: Interval;
    readonly centreBox: PointingScores & { readonly side: number };
    readonly centreHalfArea: PointingScores & { readonly side: number };
    readonly oracle: PointingScores;
    /** Random numbers on the same grid, scored in the same way. */
    readonly random: PointingScores & { readonly pixelAP: number };
    /** Mean share of the frame that the truth covers. */
    readonly area: number;
    /** Null where every clip, or none, has a visible source. */
    readonly detection: Detection | null;
    readonly steps: readonly LocalizedStep[];
    readonly warnings: readonly string[];
  };

/** One number per clip with a box inside the picture, and which clips those are. */
export function pointedClips({ steps }: Pick<LocalizationResult, "steps">) {
  const own = new Map<string, Overlaps[]>();
  for (const { id, overlaps } of steps) {
    if (overlaps === undefined) continue;
    const known = own.get(id);
    if (known === undefined) own.set(id, [overlaps]);
    else known.push(overlaps);
  }
  const clips = [...own.values()];
  const of = (score: (step: Overlaps) => number) => Array.from(perClip(clips, score));
  return {
    ids: [...own.keys()],
    ciou50: of(({ model }) => (model >= 0.5 ? 1 : 0)),
    auc: of(({ model }) => successArea(model)),
    ciou: of(({ model }) => model),
    pixelAP: of(({ pixelAP }) => pixelAP),
  };
}

/** Mean over each clip's steps: a long clip weighs no more than a short one. */
const perClip = (clips: readonly (readonly Overlaps[])[], of: (step: Overlaps) => number): Float64Array =>
  Float64Array.from(clips, (steps) => steps.reduce((sum, step) => sum + of(step), 0) / steps.length);

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function pointing(
  clips: readonly (readonly Overlaps[])[],
  name: keyof Overlaps,
  options?: BootstrapOptions,
): PointingScores {
  const ciou50 = perClip(clips, (step) => (step[name] >= 0.5 ? 1 : 0));
  const auc = perClip(clips, (step) => successArea(step[name]));
  const ciou = perClip(clips, (step) => step[name]);
  const statistics = { ciou50: meanOf(ciou50), auc: meanOf(auc), ciou: meanOf(ciou) };
  return {
    ciou50: mean(ciou50),
    auc: mean(auc),
    ciou: mean(ciou),
    intervals: withExact(bootstrap(clips.length, statistics, options), { ciou50, auc, ciou }, options?.recordings),
  };
}

/**
 * Sound source localization beside boxes in the centre and the best the grid allows. Clips whose every step is
 * without a visible source are negatives: they count in `detection` alone.
 *
 * @throws KdcError (`no-boxes`) when no clip has a box inside the picture; for shapes, NaN, zero vectors
 */
export async function localization(input: LocalizationInput): Promise<LocalizationResult> {
  expectGiven("localization", input, "clips", "picture");
  const scoring = input.scoring ?? ezVsl;
  const leftOut: Record<string, number> = { ...input.leftOut };
  const leaveOut = (reason: string) => {
    leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  };
  const root = createRng("random maps");
  const steps: LocalizedStep[] = [];
  const clips: (readonly Overlaps[])[] = [];
  const sightings: (readonly LocalizedStep[])[] = [];
  const recordings = { pointed: [] as string[], seen: [] as string[] };
  let timed = false;
  for await (const clip of input.clips) {
    const rng = root.fork(clip.id);
    const { recording = clip.id } = clip;
    const scored = clip.steps.flatMap(({ time, ...step }) => {
      const scores = scoreStep(step, input, scoring, rng);
      if (scores === undefined && clip.steps.length > 1) leaveOut("time-step-box-outside-frame");
      return scores === undefined ? [] : [{ id: clip.id, time, ...scores }];
    });
    if (scored.length === 0) leaveOut("box-outside-frame");
    else {
      sightings.push(scored);
      recordings.seen.push(recording);
    }
    steps.push(...scored);
    timed ||= clip.steps.length > 1 && clip.steps.some(({ time }) => time !== undefined);
    const overlaps = scored.flatMap((step) => (step.overlaps === undefined ? [] : [step.overlaps]));
    if (overlaps.length > 0) {
      clips.push(overlaps);
      recordings.pointed.push(recording);
    }
  }
  if (clips.length === 0) {
    throw new KdcError({
      where: "localization",
      what: `none of the ${steps.length} maps has a box inside the picture to be scored against`,
      remedy: "Give boxes in pixels of the scored picture (boxAfterFit), for at least one clip",
      reason: "no-boxes",
    });
  }
  const found = detection(sightings, { ...input.intervals, recordings: recordingNumbers(recordings.seen) });
  const options = { ...input.intervals, recordings: recordingNumbers(recordings.pointed) };
  const pixelAP = perClip(clips, (step) => step.pixelAP);
  const of = (name: keyof Overlaps) => pointing(clips, name, options);
  const tiny = clips.flat().filter((step) => step.area < 0.25).length / clips.flat().length;
  return {
    protocol: input.protocol ?? describe(scoring, timed, found),
    evaluated: clips.length,
    ...fewerThan(clips.length, options.recordings),
    leftOut,
    ...of("model"),
    pixelAP: mean(pixelAP),
    pixelAPInterval: withExact(
      bootstrap(clips.length, { pixelAP: meanOf(pixelAP) }, options),
      { pixelAP },
      options.recordings,
    ).pixelAP,
    centreBox: { side: centreSides.centreBox, ...of("centreBox") },
    centreHalfArea: { side: centreSides.centreHalfArea, ...of("centreHalfArea") },
    oracle: of("oracle"),
    random: { ...of("random"), pixelAP: mean(perClip(clips, (step) => step.randomPixelAP)) },
    area: mean(perClip(clips, (step) => step.area)),
    detection: found ?? null,
    steps,
    warnings: [
      ...(scoring === ezVsl && tiny > 0.1
        ? [
            `${(100 * tiny).toFixed(0)} % of the boxes cover less than a quarter of the frame: no map can reach cIoU 0.5 on them`,
          ]
        : []),
      ...(found === undefined
        ? []
        : standsOnOne("AP and best F1", found.presence.intervals.averagePrecision, {
            ...{ evaluated: sightings.length, recordings: found.recordings },
          })),
    ],
  };
}

function describe(scoring: Scoring, overTime: boolean, found: Detection | undefined): Protocol {
  const base = findProtocol(protocols, scoring.protocol);
  return varyProtocol(base, {
    name: `${base.name}${overTime ? "-over-time" : ""}`,
    metrics: found === undefined ? {} : detectionMetrics,
    notes: overTime ? ["each time step has its own sound and frame; a clip's figure is the mean over its steps"] : [],
  });
}
