import { add, div, type Tensor } from "@tensorflow/tfjs-core";

/** Mean of some tensors of one shape, at least one; added from the first to the last. */
export const average = <T extends Tensor>(values: readonly T[]): T =>
  div<T>(
    values.reduce((total, next) => add<T>(total, next)),
    values.length,
  );
