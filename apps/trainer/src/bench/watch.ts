import {
  type DeviceProgram,
  type Execute,
  type Placed,
  type Runtime,
  runOf,
  type WebGpuRuntime,
} from "@kdc-mae/engine";

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

/** What a device was asked to do, a repetition. */
export type DeviceWork = {
  /** Which device, and whether its matrix units are used. */
  readonly on: string;
  readonly building: number;
  /** Share of the time in which JavaScript gives the device its work. */
  readonly javascript: number;
  readonly dispatches?: number;
  /** Bytes to the device and back. */
  readonly busBytes?: number;
  /** Memory that is held on it. */
  readonly peakBytes?: number;
};

/** What a runtime counts, where it does. */
type Counting = Runtime & Partial<Pick<WebGpuRuntime, "traffic" | "allocated">>;
type Traffic = { readonly dispatches: number; readonly bytes: number };

/** The same for an engine with a device, which is not waited for call by call: programs queue up. */
export function watchDevice(given: Execute & { readonly runtime: Counting }): {
  readonly execute: Execute;
  readonly spent: (steps: number, seconds: readonly number[]) => DeviceWork;
} {
  const { runtime, precision } = given;
  const traffic = () => runtime.traffic?.() ?? { dispatches: Number.NaN, bytes: Number.NaN };
  let building = 0;
  const launches: { readonly seconds: number; readonly before: Traffic }[] = [];
  const compile: Runtime["compile"] = async <I, O>(...args: Parameters<typeof runtime.compile<I, O>>) => {
    const start = performance.now();
    const program = await runtime.compile<I, O>(...args);
    building += (performance.now() - start) / 1000;
    const noted = async <Result>(action: () => Promise<Result>): Promise<Result> => {
      const [began, before] = [performance.now(), traffic()];
      const result = await action();
      launches.push({ seconds: (performance.now() - began) / 1000, before });
      return result;
    };
    const launch: DeviceProgram<I, O>["launch"] = (inputs) => noted(() => program.launch(inputs));
    // A run is a launch too, and what it reads afterwards is not JavaScript's work.
    return { ...program, launch, run: runOf(launch) };
  };
  const watched: Runtime = { ...runtime, compile, execute: given };
  const execute: Execute = Object.assign(
    <I, O>(fn: (inputs: I) => O, example: Parameters<Execute>[1]) => compile<I, O>(fn, example as Placed<I>),
    { runtime: watched, precision },
  ) as Execute;
  return {
    execute,
    spent: (steps, seconds) => {
      const [timed, now] = [launches.slice(-steps), traffic()];
      const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
      const before = timed[0]?.before ?? now;
      return {
        ...{ on: runtime.name, building },
        javascript: sum(timed.map((one) => one.seconds)) / sum(seconds),
        ...(runtime.traffic === undefined
          ? {}
          : { dispatches: (now.dispatches - before.dispatches) / steps, busBytes: (now.bytes - before.bytes) / steps }),
        ...(runtime.allocated === undefined ? {} : { peakBytes: runtime.allocated().bytes }),
      };
    },
  };
}
