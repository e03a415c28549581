import { type Box, createRng, type Frame } from "@kdc-mae/core";
import { actsOf } from "./describe-clip.js";
import { findKind } from "./find-kind.js";
import { drawBackground } from "./picture/background.js";
import type { Canvas } from "./picture/canvas.js";
import { spritePainter } from "./picture/sprite.js";
import { type Pose, stamp } from "./picture/stamp.js";
import type { PlannedObject, SyntheticClipPlan } from "./plan.js";
import { activity } from "./sound/stroke.js";

/** Boxes of one object over time: `[seconds, box]`, for the moments it can be seen. */
export type BoxTrack = readonly (readonly [time: number, box: Box])[];

/** The pictures of a clip and where its objects are in them. */
export type RenderedFrames = {
  readonly frames: readonly Frame[];
  /** All frames in one piece, bytes `[T, size, size, 3]`; the frames are windows on it. */
  readonly pixels: Uint8Array;
  readonly boxes: BoxTrack;
  readonly distractorBoxes: BoxTrack;
};

/** How a thing moves at one moment: how much it swells (factor), how far it is shaken (share of its size), how far it has swung. */
type Motion = { readonly swell: number; readonly shake: number; readonly swing: number };

/** Moves with the sound: swells, shakes and turns as loudly as it sounds. To be asked for moments in order. */
function soundingMotion(plan: SyntheticClipPlan): (seconds: number) => Motion {
  const { sounding, strokes, loudness } = plan;
  const vigour = 0.7 + (loudness + 28) / 16;
  const step = 0.02;
  let swing = sounding.phase;
  let reached = 0;
  return (seconds) => {
    for (; reached < seconds; reached += step) swing += step * sounding.speed * activity(strokes, reached);
    const now = activity(strokes, seconds);
    const shake = sounding.shake[1] * vigour * now * Math.sin(40 * seconds + sounding.phase);
    return { swell: 1 + 0.07 * vigour * now, shake, swing };
  };
}

/** Drifts to and fro at its own pace, whatever is heard. */
function silentMotion({ phase, speed, shake }: PlannedObject): (seconds: number) => Motion {
  return (seconds) => ({
    swell: 1 + 0.05 * Math.sin(0.4 * speed * seconds + phase),
    shake: 3 * shake[1] * Math.sin(0.25 * speed * seconds + 2 * phase),
    swing: phase + 0.5 * speed * seconds,
  });
}

function poseOf(object: PlannedObject, { swell, shake }: Motion, size: number): Pose {
  const reach = shake * Math.max(object.width, object.height);
  return {
    x: size * (object.x + reach * Math.cos(object.shake[0])),
    y: size * (object.y + reach * Math.sin(object.shake[0])),
    halfWidth: 0.5 * size * object.width * swell,
    halfHeight: 0.5 * size * object.height * swell,
    turn: object.turn,
    mirror: object.mirror,
  };
}

/** A brush that puts one object on a canvas as it is at one moment, and says where. */
function brush(object: PlannedObject, motion: (seconds: number) => Motion) {
  const sprite = spritePainter(findKind(object.kind).paint, object.cover);
  return (canvas: Canvas, seconds: number): Box | undefined => {
    const now = motion(seconds);
    return stamp(canvas, sprite(now.swing), poseOf(object, now, canvas.size));
  };
}

/** The two brushes of one act, each saying where its object is. */
function brushesOf(plan: SyntheticClipPlan) {
  return {
    sounding: brush(plan.sounding, soundingMotion(plan)),
    silent: plan.distractor && brush(plan.distractor, silentMotion(plan.distractor)),
  };
}

/**
 * Renders the pictures of a clip: background, silent object if there is one, sounding object in front; of several acts,
 * those of the act that is on. Frame i is taken at i / frameRate seconds.
 */
export function renderFrames(plan: SyntheticClipPlan): RenderedFrames {
  const { size, frameRate, seconds } = plan.options;
  const background = drawBackground(createRng(plan.streams.picture), size, plan.clutter);
  const acts = actsOf(plan).map((act) => ({ ...act, brushes: brushesOf(act.plan) }));
  const count = Math.round(seconds * frameRate);
  const frameBytes = size * size * 3;
  const pixels = new Uint8Array(count * frameBytes);
  const frames: Frame[] = [];
  const boxes: [number, Box][] = [];
  const distractorBoxes: [number, Box][] = [];
  for (let index = 0; index < count; index++) {
    const time = index / frameRate;
    const { brushes } = acts.find(({ to }) => time < to) ?? acts[acts.length - 1];
    const canvas = { size, pixels: new Uint8ClampedArray(pixels.buffer, index * frameBytes, frameBytes) };
    canvas.pixels.set(background.pixels);
    const silent = brushes.silent?.(canvas, time);
    const box = brushes.sounding(canvas, time);
    if (silent) distractorBoxes.push([time, silent]);
    if (box) boxes.push([time, box]);
    frames.push({
      width: size,
      height: size,
      data: pixels.subarray(index * frameBytes, (index + 1) * frameBytes),
      time,
    });
  }
  return { frames, pixels, boxes, distractorBoxes };
}
