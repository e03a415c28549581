import { fusedKernels } from "@kdc-mae/core";
import {
  customGrad,
  engine,
  type GradSaveFunc,
  getBackend,
  getKernel,
  type Tensor,
  zerosLike,
} from "@tensorflow/tfjs-core";

/**
 * x once more. A compiled graph makes equal values once and in an order of its own; behind this they are others, and made
 * when all of `after` are there.
 */
function onceMore<T extends Tensor>(x: T, after: readonly Tensor[]): T {
  if (getKernel(fusedKernels.onceMore, getBackend()) === undefined) return x;
  return engine().runKernel(fusedKernels.onceMore, { x, ...Object.fromEntries(after.entries()) }) as T;
}

/** The gradients of `run` at `inputs`, zeros where there is none. */
function gradientsAt(run: (inputs: readonly Tensor[]) => Tensor, inputs: readonly Tensor[], dy: Tensor): Tensor[] {
  const again = [onceMore(inputs[0], [dy]), ...inputs.slice(1)];
  // The gradient that asks for this one cleans its tape up afterwards; an inner gradient leaves none behind.
  const { state } = engine();
  const { activeTape } = state;
  try {
    const { grads } = engine().gradients(() => run(again), again, dy, true);
    const [first, ...rest] = again.map((input, index) => grads[index] ?? zerosLike(input));
    // What was made again is let go before the block before this one is made again.
    return [
      onceMore(
        first,
        rest.filter((_, index) => grads[index + 1]),
      ),
      ...rest,
    ];
  } finally {
    state.activeTape = activeTape;
  }
}

/**
 * What `run` makes of `inputs`, without keeping anything in between for the gradient: it is made again from the inputs
 * (gradient checkpointing, Chen et al. 2016, arXiv 1604.06174). Less memory for one forward run more.
 *
 * @param run reads tensors through its argument alone
 * @param inputs all tensors it reads, those without a gradient included
 */
export function recomputed<T extends Tensor>(run: (inputs: readonly Tensor[]) => T, inputs: readonly Tensor[]): T {
  const kept = customGrad((...given) => {
    const save = given.at(-1) as unknown as GradSaveFunc;
    const read = given.slice(0, -1) as Tensor[];
    save(read);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => gradientsAt(run, saved, dy);
    return { value: run(read), gradFunc };
  });
  return kept(...inputs) as T;
}
