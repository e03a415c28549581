import type { Rng } from "@kdc-mae/core";
import { allKinds } from "./kinds/index.js";
import { type Act, describeAct, kindsBut, type SyntheticClipPlan, type SyntheticOptions } from "./plan.js";
import { between } from "./sound/stroke.js";

/** Begin and end of the middle act, shares of the clip; its middle is in it, and something is left on both sides. */
function drawMiddle(rng: Rng, middle: SyntheticOptions["middle"]): [number, number] {
  if (middle === undefined) return [between(rng, 0.25, 0.42), between(rng, 0.58, 0.75)];
  const length = between(rng, ...middle);
  const begins = (1 - length) * between(rng, 0.4, 0.6);
  return [begins, begins + length];
}

/** Edges of the acts, seconds: those before the middle one share what it leaves, and those after it. */
function drawEdges(rng: Rng, { seconds, middle }: SyntheticOptions, acts: number): number[] {
  const each = (acts - 1) / 2;
  const [begins, ends] = drawMiddle(rng, middle).map((share) => share * seconds);
  const parts = (from: number, to: number) => Array.from({ length: each }, (_, i) => from + ((to - from) * i) / each);
  return [...parts(0, begins), begins, ...parts(ends, seconds), seconds];
}

/** A clip whose middle is of one kind, with other kinds before and after it, in one place. */
function describeActs(rng: Rng, options: SyntheticOptions, name: string, acts: number): SyntheticClipPlan {
  const draw = rng.fork("acts");
  const names = [name];
  while (names.length < acts) {
    const left = kindsBut(names);
    names.push(left[draw.integer(left.length)]);
  }
  // A silent object is of a kind that is heard at another time: what is seen does not say what is heard now.
  const of = (index: number, stream: Rng) => {
    const others = names.filter((_, other) => other !== index);
    return describeAct(stream, options, names[index], others);
  };
  const whole = of(0, rng);
  const edges = drawEdges(draw, options, acts);
  const middle = (acts - 1) / 2;
  return {
    ...whole,
    acts: names.map((_, place) => {
      const span = { from: edges[place], to: edges[place + 1] };
      if (place === middle) return span;
      const index = place < middle ? place + 1 : place;
      const { streams, ...plan } = of(index, draw.fork(place));
      return {
        ...span,
        plan: { ...plan, clutter: whole.clutter, streams: { ...streams, picture: whole.streams.picture } },
      };
    }),
  };
}

/**
 * Draws one clip.
 *
 * @param rng stream of this clip alone: fork it by the clip's name
 * @param options what all clips of the set share
 * @param kind name of the sounding kind, of several acts the middle one's; drawn at random when left out
 * @throws KdcError with reason `kind` when there is no such kind
 */
export function describeClip(rng: Rng, options: SyntheticOptions, kind?: string): SyntheticClipPlan {
  const name = kind ?? allKinds[rng.fork("kind").integer(allKinds.length)].name;
  const { acts = 1 } = options;
  return acts === 1 ? describeAct(rng, options, name) : describeActs(rng, options, name, acts);
}

/** The acts of a clip, in order: one from beginning to end where it has no others. */
export const actsOf = (plan: SyntheticClipPlan): readonly Required<Act>[] =>
  (plan.acts ?? [{ from: 0, to: plan.options.seconds } as Act]).map((act) => ({ ...act, plan: act.plan ?? plan }));
