import type { Execute } from "@kdc-mae/engine";

/** What a watched engine spent its time on. */
type Spent = { readonly building: number; readonly outside: number };

/**
 * An engine that notes how long making its programs took, and how long each run of them.
 *
 * `spent` wants to know how many of the last runs were timed, and how long their repetitions took (seconds).
 */
export function watch(execute: Execute): {
  readonly execute: Execute;
  readonly spent: (steps: number, seconds: readonly number[]) => Spent;
} {
  let building = 0;
  const runs: number[] = [];
  const timed = async <Result>(action: () => Promise<Result>, note: (seconds: number) => void): Promise<Result> => {
    const start = performance.now();
    const result = await action();
    note((performance.now() - start) / 1000);
    return result;
  };
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    execute: async (fn, example) => {
      const program = await timed(
        () => execute(fn, example),
        (seconds) => {
          building += seconds;
        },
      );
      return {
        ...program,
        run: (...args) =>
          timed(
            () => program.run(...args),
            (seconds) => runs.push(seconds),
          ),
      };
    },
    spent: (steps, seconds) => ({ building, outside: 1 - sum(runs.slice(-steps)) / sum(seconds) }),
  };
}
