/** Least that a connection must give while it is waited for, bytes. */
export const leastBytes = 32 * 2 ** 10;

/** Watches what a connection gives. */
export type Pace = {
  /** Waits for a part of an answer; only this time counts, not that in which nobody asked. */
  wait<T>(part: Promise<T>): Promise<T>;
  got(bytes: number): void;
  stop(): void;
};

/**
 * Calls `tooSlow` when a connection gave fewer than {@link leastBytes} in `windowMs` of waiting: one that is dead, and
 * one that gives a byte a second.
 */
export function watchPace(windowMs: number, tooSlow: () => void): Pace {
  const ticks = 10;
  let [waiting, waited, bytes] = [0, 0, 0];
  const timer = setInterval(() => {
    if (waiting === 0) return;
    waited++;
    if (waited <= ticks) return;
    if (bytes < leastBytes) tooSlow();
    [waited, bytes] = [0, 0];
  }, windowMs / ticks);
  return {
    wait: (part) => {
      waiting++;
      return part.finally(() => {
        waiting--;
      });
    },
    got: (more) => {
      bytes += more;
    },
    stop: () => clearInterval(timer),
  };
}
