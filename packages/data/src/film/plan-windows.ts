import { KdcError } from "@kdc-mae/core";

/** Times of windows and pictures are whole numbers of these, per second. */
export const stepsPerSecond = 100;
/** A rest of a film shorter than this is none, steps: containers round times. */
const near = 10;

export type WindowChoice = {
  /** Length of a window, seconds: a multiple of 0.01. */
  readonly window: number;
  /** From the beginning of one window to that of the next, seconds: a multiple of 0.01; side by side by default. */
  readonly hop?: number;
  /** How many pictures of a window: at the middles of as many equal parts of it (1 by default: its middle). */
  readonly pictures?: number;
};

/** A window's beginning and end, seconds. */
export type WindowSpan = { readonly index: number; readonly start: number; readonly end: number };

/** Where windows lie on a film, whatever its length. All times are seconds on its clock. */
export type WindowPlan = {
  /** A window of a film that ends at `to`, which may be infinite; undefined where there are not as many. */
  at(index: number, to: number): WindowSpan | undefined;
  /** When the pictures of a window are taken. */
  picturesOf(window: WindowSpan): readonly number[];
  /** From one window to the next, seconds. */
  readonly hop: number;
};

/**
 * Places windows over a film from `from` seconds on: `hop` after `hop`, as many as are whole. Where some of the film is
 * left after them, the last window is moved back so that it is whole too and ends with the film; windows with gaps
 * between them have none such. A film shorter than a window is one window of its own length.
 *
 * @throws KdcError (`option`) for lengths that are no multiples of 0.01 s above 0, or pictures that are no whole number
 */
export function planWindows(from: number, choice: WindowChoice): WindowPlan {
  const { length, hop, pictures } = inSteps(choice);
  const first = Math.round(from * stepsPerSecond);
  const seconds = (steps: number) => steps / stepsPerSecond;
  return {
    hop: seconds(hop),
    at(index, to) {
      const end = Math.floor(to * stepsPerSecond + 1e-6);
      const whole = Math.max(0, Math.floor((end - first - length) / hop) + 1);
      const start = first + index * hop;
      if (index < whole) return { index, start: seconds(start), end: seconds(start + length) };
      if (index > whole || to * stepsPerSecond <= first) return undefined;
      if (whole === 0) return { index, start: seconds(first), end: to };
      const rest = end - (start - hop + length);
      return rest > near && hop <= length ? { index, start: seconds(end - length), end: seconds(end) } : undefined;
    },
    picturesOf: ({ start, end }) =>
      Array.from({ length: pictures }, (_, place) => {
        const after = ((place + 0.5) * (end - start)) / pictures;
        return seconds(Math.round(start * stepsPerSecond) + Math.round(after * stepsPerSecond));
      }),
  };
}

function inSteps({ window, hop = window, pictures = 1 }: WindowChoice) {
  const steps = ([name, value]: readonly [string, number]): number => {
    const number = Math.round(value * stepsPerSecond);
    if (number >= 1 && Math.abs(value * stepsPerSecond - number) < 1e-6) return number;
    throw new KdcError({
      where: "windows",
      what: `${value} s is not a possible ${name}`,
      remedy: "Give seconds above 0 in steps of 0.01",
      reason: "option",
    });
  };
  if (!(Number.isInteger(pictures) && pictures >= 1)) {
    throw new KdcError({
      where: "windows",
      what: `${pictures} is not a possible number of pictures for a window`,
      remedy: "Give a whole number of at least 1",
      reason: "option",
    });
  }
  return { length: steps(["length of a window", window]), hop: steps(["distance of windows", hop]), pictures };
}
