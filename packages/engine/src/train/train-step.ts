import { type FloatTensor, type HostTensor, KdcError, treeLeaves } from "@kdc-mae/core";
import type { Execute, Hosted, Program } from "../run/program.js";
import { clipScale, globalNorm } from "./clip.js";
import { type Gradients, type Loss, valueAndGradients } from "./gradient.js";
import type { Optimizer } from "./optimizer.js";

/** Everything that changes while training. */
export type TrainState<Params, OptimizerState> = {
  readonly params: Hosted<Params>;
  readonly optimizer: OptimizerState;
  /** Steps taken. */
  step: number;
};

/** What one step saw. `gradientNorm` is there when gradients are clipped. */
export type StepReport = {
  readonly step: number;
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly gradientNorm?: number;
};

export type TrainStepOptions<Batch> = {
  /** Longest allowed global gradient norm; no clipping unless given. */
  readonly clipNorm?: number;
  /** Clips in a batch, for the mean over accumulated batches; batches count alike unless given. */
  readonly clips?: (batch: Hosted<Batch>) => number;
};

export type TrainStep<Params, Batch, OptimizerState> = {
  readonly init: (params: Hosted<Params>) => TrainState<Params, OptimizerState>;
  /** One update from one batch; `state` changes in place. */
  readonly step: (
    state: TrainState<Params, OptimizerState>,
    batch: Hosted<Batch>,
    learningRate: number,
  ) => Promise<StepReport>;
  /** One update from the mean gradient over several batches. */
  readonly accumulate: (
    state: TrainState<Params, OptimizerState>,
    batches: readonly Hosted<Batch>[],
    learningRate: number,
  ) => Promise<StepReport>;
  /** Paths of the parameters the loss does not depend on, known after the first step. */
  readonly withoutGradient: () => readonly string[];
  readonly dispose: () => Promise<void>;
};

const scalar = (value: HostTensor): number => value.data[0];

const expectFinite = (what: string, value: number, step: number): void => {
  if (Number.isFinite(value)) return;
  throw new KdcError({
    where: `train step ${step}`,
    what: `${what} is ${value}`,
    remedy:
      "Lower the learning rate, clip gradients, look for NaN or infinite values in the batch, and go on from the last checkpoint",
    reason: "loss-not-finite",
  });
};

/** sum ← sum · keep + next · weight */
const blend = (sum: unknown, next: unknown, keep: number, weight: number): void => {
  const others = treeLeaves<FloatTensor>(next);
  for (const [index, [, { data }]] of treeLeaves<FloatTensor>(sum).entries()) {
    const other = others[index][1].data;
    for (let i = 0; i < data.length; i++) data[i] = data[i] * keep + other[i] * weight;
  }
};

type Result<Params> = Hosted<Gradients<Params>>;

/** Programs by the shapes of their batch, each with the arrays its results are written to, step after step. */
const createPrograms = <Params, Batch>(
  execute: Execute,
  fn: (inputs: { readonly params: Params; readonly batch: Batch }) => Gradients<Params>,
) => {
  type Inputs = Hosted<{ readonly params: Params; readonly batch: Batch }>;
  const programs = new Map<
    string,
    Promise<Program<{ readonly params: Params; readonly batch: Batch }, Gradients<Params>>>
  >();
  const results: (Result<Params> | undefined)[] = [];
  return {
    run: async (params: Hosted<Params>, batch: Hosted<Batch>, slot: number): Promise<Result<Params>> => {
      const inputs = { params, batch } as Inputs;
      const key = treeLeaves(batch)
        .map(([path, { shape }]) => `${path}[${shape.join()}]`)
        .join();
      const program = programs.get(key) ?? execute(fn, inputs);
      programs.set(key, program);
      const result = await (await program).run(inputs, results[slot]);
      results[slot] = result;
      return result;
    },
    dispose: async () => {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
};

/**
 * Joins a loss and an optimizer into training steps. The program is made at the first step, and again when a batch of
 * other shapes comes.
 *
 * @param execute how to run: `compiled(…)` or `eager(…)`
 * @throws KdcError (reason `loss-not-finite`) from a step whose loss or gradient norm is not a number; nothing is updated
 */
export function createTrainStep<Params, Batch, OptimizerState>(
  execute: Execute,
  loss: Loss<Params, Batch>,
  optimizer: Optimizer<OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clipNorm, clips = () => 1 } = options;
  let missing: readonly string[] = [];
  const programs = createPrograms<Params, Batch>(
    execute,
    valueAndGradients(loss, (paths) => {
      missing = paths;
    }),
  );

  const finish = (
    state: TrainState<Params, OptimizerState>,
    result: Result<Params>,
    report: Pick<StepReport, "total" | "terms">,
    learningRate: number,
  ): StepReport => {
    const step = state.step + 1;
    expectFinite("the loss", report.total, step);
    const gradients = (result as { gradients: unknown }).gradients;
    const gradientNorm = clipNorm === undefined ? undefined : globalNorm(gradients);
    if (gradientNorm !== undefined) expectFinite("the gradient norm", gradientNorm, step);
    const scale = clipNorm === undefined || gradientNorm === undefined ? 1 : clipScale(gradientNorm, clipNorm);
    optimizer.update(state.optimizer, state.params, gradients, learningRate, scale, missing);
    state.step = step;
    return { step, ...report, ...(gradientNorm === undefined ? {} : { gradientNorm }) };
  };

  const accumulate: TrainStep<Params, Batch, OptimizerState>["accumulate"] = async (state, batches, learningRate) => {
    const weights = batches.map(clips);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const means = { total: 0, terms: {} as Record<string, number> };
    let sum: Result<Params> | undefined;
    for (const [index, batch] of batches.entries()) {
      const weight = weights[index] / all;
      const result = await programs.run(state.params, batch, index === 0 ? 0 : 1);
      const { total, terms, gradients } = result as {
        total: HostTensor;
        terms: Record<string, HostTensor>;
        gradients: unknown;
      };
      means.total += scalar(total) * weight;
      for (const [name, term] of Object.entries(terms))
        means.terms[name] = (means.terms[name] ?? 0) + scalar(term) * weight;
      if (sum === undefined) {
        sum = result;
        if (weight !== 1) blend(gradients, gradients, 0, weight);
      } else blend((sum as { gradients: unknown }).gradients, gradients, 1, weight);
    }
    if (sum === undefined) {
      throw new KdcError({
        where: "train step",
        what: "there are no batches to accumulate",
        remedy: "Give at least one batch",
        reason: "batch",
      });
    }
    return finish(state, sum, means, learningRate);
  };

  return {
    init: (params) => ({ params, optimizer: optimizer.init(params), step: 0 }),
    step: (state, batch, learningRate) => accumulate(state, [batch], learningRate),
    accumulate,
    withoutGradient: () => missing,
    dispose: programs.dispose,
  };
}
