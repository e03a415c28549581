import type { FloatTensor, Tree } from "@kdc-mae/core";
import type { Tensor } from "@tensorflow/tfjs-core";

/**
 * An optimizer works on host tensors in place: `init` makes its state for a tree of parameters, `update` takes one
 * step. A checkpoint holds `slots` and `counters`; to go on from it, fill the slots of a fresh state and `restore`.
 */
export type Optimizer<Params, State> = {
  readonly name: string;
  /** A fresh state for parameters. */
  readonly init: (params: Params) => State;
  /** The arrays of a state, as trees like the parameters, by name; filling them changes the state. */
  readonly slots: (state: State) => Readonly<Record<string, Tree<FloatTensor>>>;
  /** All else a state holds: a few numbers, by name. */
  readonly counters: (state: State) => Readonly<Record<string, number>>;
  /**
   * Takes over counters that were saved.
   *
   * @throws KdcError (reason `optimizer`) when one is missing
   */
  readonly restore: (state: State, counters: Readonly<Record<string, number>>) => void;
  /**
   * Changes `params` and `state` in place.
   *
   * @param scale the gradients are multiplied by this on the way in, as clipping asks
   * @param untouched paths of parameters the loss does not depend on: they keep their values, as in PyTorch
   */
  readonly update: (
    state: State,
    params: Params,
    gradients: Params,
    learningRate: number,
    scale?: number,
    untouched?: readonly string[],
  ) => void;
  /** The same update for programs whose state stays on a device; such programs need it. */
  readonly traced?: TracedUpdate<State>;
};

/** An optimizer as a tfjs function of one parameter. */
export type TracedUpdate<State> = {
  /** What changes from one update to the next: a few numbers. Counts the update. */
  readonly numbers: (state: State, learningRate: number) => readonly number[];
  /**
   * One parameter's update.
   *
   * @param path of the parameter
   * @param slots this parameter's tensor of each slot
   * @param number gives one of the numbers, as a scalar
   */
  readonly apply: (
    path: string,
    given: { readonly value: Tensor; readonly gradient: Tensor; readonly slots: Readonly<Record<string, Tensor>> },
    number: (index: number) => Tensor,
  ) => { readonly value: Tensor; readonly slots: Readonly<Record<string, Tensor>> };
};

/** Parameters treated differently, chosen by their path: the first group that matches counts. */
export type ParameterGroup = {
  readonly paths: RegExp;
  /** Multiplies the learning rate; 1 unless given. */
  readonly rate?: number;
  /** Replaces the optimizer's weight decay. */
  readonly weightDecay?: number;
};
