/** What was measured of one engine's work. */
export type Timed = {
  /** Of each timed repetition. */
  readonly seconds: readonly number[];
  /** Of each repetition before those. */
  readonly untimed: readonly number[];
  /**
   * Seconds of the first repetition, timed or not. A training step makes its program in it, so tracing and session are
   * included; embedding makes its program before, and this is a run like the others.
   */
  readonly preparing: number;
  /** Seconds of making the program: tracing and session, nothing else. */
  readonly building?: number;
  /** Share of the timed repetitions spent outside the program: optimizer, checks, reports. */
  readonly outside?: number;
  /** The device, and whether its matrix units are used. */
  readonly on?: string;
  /** On a device: share of the time in which JavaScript gives it its work, dispatches and bytes over the bus a repetition. */
  readonly javascript?: number;
  readonly dispatches?: number;
  readonly busBytes?: number;
  /** Smallest cosine of an int8 embedding to the float32 one of the same clip. */
  readonly cosine?: number;
  /** Peak memory where it is not that of the process: on a device, or read before the process did something else. */
  readonly peakBytes?: number;
};

/**
 * Runs something some times untimed, then timed.
 *
 * @param onRepetition told after each what there is by then, so that whoever ends it has that
 */
export async function timed(
  { steps, warmup }: { readonly steps: number; readonly warmup: number },
  run: () => Promise<unknown>,
  onRepetition: (soFar: Timed) => void = () => undefined,
): Promise<Timed> {
  const start = performance.now();
  let made: Timed = { seconds: [], untimed: [], preparing: 0 };
  for (let index = 0; index < warmup + steps; index++) {
    const began = performance.now();
    await run();
    const took = (performance.now() - began) / 1000;
    made = {
      seconds: index < warmup ? made.seconds : [...made.seconds, took],
      untimed: index < warmup ? [...made.untimed, took] : made.untimed,
      preparing: index === 0 ? (performance.now() - start) / 1000 : made.preparing,
    };
    onRepetition(made);
  }
  return made;
}
