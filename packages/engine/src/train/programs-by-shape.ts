import { treeLeaves } from "@kdc-mae/core";
import type { Hosted, Program } from "../run/program.js";
import type { Execute } from "../run/runtime.js";

/** Programs of one function, made when inputs of other shapes come. */
export type ProgramsByShape<Params, Given, Outputs> = {
  /** @param slot results of one slot are written into the same arrays, run after run */
  readonly run: (params: Hosted<Params>, given: Hosted<Given>, slot?: number) => Promise<Hosted<Outputs>>;
  readonly dispose: () => Promise<void>;
};

const shapesOf = (tree: unknown): string =>
  treeLeaves(tree)
    .map(([path, { shape }]) => `${path}[${shape.join()}]`)
    .join();

/** Keeps the programs of a function of parameters, whose shapes stay, and of something whose shapes may change. */
export function programsByShape<Params, Given extends object, Outputs>(
  execute: Execute,
  fn: (inputs: { readonly params: Params } & Given) => Outputs,
): ProgramsByShape<Params, Given, Outputs> {
  type Inputs = { readonly params: Params } & Given;
  const programs = new Map<string, Promise<Program<Inputs, Outputs>>>();
  const results = new Map<string, Hosted<Outputs>>();
  return {
    run: async (params, given, slot) => {
      const inputs = { params, ...given } as Hosted<Inputs>;
      const key = shapesOf(given);
      const program = programs.get(key) ?? execute(fn, inputs);
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
