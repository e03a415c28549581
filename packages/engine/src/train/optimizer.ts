/**
 * An optimizer works on host tensors in place: `init` makes its state for a tree of parameters, `update` takes one
 * step. State is plain data, so that a checkpoint can hold it.
 */
export type Optimizer<State> = {
  readonly name: string;
  readonly init: (params: unknown) => State;
  /**
   * Changes `params` and `state` in place.
   *
   * @param scale the gradients are multiplied by this on the way in, as clipping asks
   * @param untouched paths of parameters the loss does not depend on: they keep their values, as in PyTorch
   */
  readonly update: (
    state: State,
    params: unknown,
    gradients: unknown,
    learningRate: number,
    scale?: number,
    untouched?: readonly string[],
  ) => void;
};

/** Parameters treated differently, chosen by their path: the first group that matches counts. */
export type ParameterGroup = {
  readonly paths: RegExp;
  /** Multiplies the learning rate; 1 unless given. */
  readonly rate?: number;
  /** Replaces the optimizer's weight decay. */
  readonly weightDecay?: number;
};
