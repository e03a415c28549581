import { KdcError, type Shaped, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type Program } from "./program.js";
import { type Execute, type Placed, resident } from "./runtime.js";

/** What a runner's function takes: parameters, and anything beside them. */
type WithParams = { readonly params: unknown };

/** Programs of one function, made when inputs of other shapes come. */
export type Runner<Inputs extends WithParams, Outputs> = {
  /**
   * Runs the program for inputs of these shapes, which is made where there is none.
   *
   * @param params in ordinary memory, or on the device of what executes
   * @param slot results of one slot are written into the same arrays, run after run
   */
  readonly run: (
    params: Placed<Inputs["params"]>,
    given: Hosted<Omit<Inputs, "params">>,
    slot?: number,
  ) => Promise<Hosted<Outputs>>;
  /** Disposes of every program that was made. */
  readonly dispose: () => Promise<void>;
};

/** Path and shape of every leaf: one program serves all trees that say the same. */
export const shapesOf = (tree: unknown): string =>
  treeLeaves(asTree<Shaped>(tree))
    .map(([path, { shape }]) => `${path}[${shape.join()}]`)
    .join();

/** `compiled` and `eager` make an `Execute` when they are called; called with a function and an example they make one as well. */
const expectProgram = <I, O>(made: Program<I, O>): Program<I, O> => {
  if (typeof made.run === "function") return made;
  throw new KdcError({
    where: "createRunner",
    what: "what was given to run functions makes no programs",
    remedy: 'Call it first: compiled(), eager("cpu"), or give the execute of a runtime',
    reason: "option",
  });
};

/**
 * Runs a function of parameters, whose shapes stay, and of something whose shapes may change: a program is made at the
 * first run, and again for inputs of other shapes.
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { createRunner } from "@kdc-mae/engine";
 * import { compiled } from "@kdc-mae/engine/node";
 * import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
 *
 * type Inputs = { readonly params: { readonly w: Tensor2D }; readonly x: Tensor2D };
 * const runner = createRunner(compiled(), ({ params, x }: Inputs): Tensor2D => matMul(x, params.w));
 * const { shape } = await runner.run({ w: float32([3, 2]) }, { x: float32([5, 3]) }); // [5, 2]
 * await runner.dispose();
 * ```
 */
export function createRunner<Inputs extends WithParams, Outputs>(
  execute: Execute,
  fn: (inputs: Inputs) => Outputs,
): Runner<Inputs, Outputs> {
  const programs = new Map<string, Promise<Program<Inputs, Outputs>>>();
  const results = new Map<string, Hosted<Outputs>>();
  return {
    run: async (params, given, slot) => {
      const inputs = { params, ...given } as unknown as Hosted<Inputs>;
      const key = shapesOf(given);
      const program = programs.get(key) ?? Promise.resolve(execute(fn, inputs)).then(expectProgram<Inputs, Outputs>);
      programs.set(key, program);
      if (slot === undefined) return (await program).run(inputs);
      const place = `${slot} ${key}`;
      const result = await (await program).run(inputs, results.get(place));
      results.set(place, result);
      return result;
    },
    dispose: async () => {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
      results.clear();
    },
  };
}

/** A {@link Runner} whose parameters stay as they are. */
export type ModelRunner<Inputs extends WithParams, Outputs> = {
  /** Runs the program for inputs of these shapes, which is made where there is none. */
  readonly run: (given: Hosted<Omit<Inputs, "params">>) => Promise<Hosted<Outputs>>;
  /** Disposes of every program that was made, and of the parameters on the device. */
  readonly dispose: () => Promise<void>;
};

/**
 * The same for parameters that stay as they are: on a device they lie once, from the first run on.
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { createModelRunner } from "@kdc-mae/engine";
 * import { compiled } from "@kdc-mae/engine/node";
 * import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
 *
 * type Inputs = { readonly params: { readonly w: Tensor2D }; readonly x: Tensor2D };
 * const product = ({ params, x }: Inputs): Tensor2D => matMul(x, params.w);
 * const runner = createModelRunner(compiled(), product, { w: float32([3, 2]) });
 * for (const B of [5, 1]) console.log((await runner.run({ x: float32([B, 3]) })).shape); // [5, 2], then [1, 2]
 * await runner.dispose();
 * ```
 */
export function createModelRunner<Inputs extends WithParams, Outputs>(
  execute: Execute,
  fn: (inputs: Inputs) => Outputs,
  params: Hosted<Inputs["params"]>,
): ModelRunner<Inputs, Outputs> {
  const runner = createRunner(execute, fn);
  let placed: ReturnType<typeof resident<Hosted<Inputs["params"]>>> | undefined;
  return {
    run: async (given) => {
      placed ??= resident(execute, params);
      return runner.run((await placed).tree as Placed<Inputs["params"]>, given);
    },
    dispose: async () => {
      (await placed)?.dispose();
      await runner.dispose();
    },
  };
}
