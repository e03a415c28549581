/** Work that is numbered and must not be begun before its number has come. */
export type Turns = {
  /** Resolves when `number` has come, or everything is let go. */
  reached(number: number): Promise<void>;
  next(number: number): void;
  /** Lets everything go, now and later. */
  release(): void;
};

/** Turns from number 0 on. */
export function inTurn(): Turns {
  let current = 0;
  let waiting: (() => void)[] = [];
  const next = (number: number): void => {
    current = Math.max(current, number);
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  return {
    async reached(number) {
      while (number > current) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    next,
    release: () => next(Number.POSITIVE_INFINITY),
  };
}
