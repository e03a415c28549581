import {
  adam,
  createDeviceStep,
  type DispatchCost,
  type MatrixUnits,
  type OnDevice,
  planCosts,
  planFunction,
  type Runtime,
} from "@kdc-mae/engine";
import type { Keep } from "@kdc-mae/model";
import { pretrainLoss } from "../pipeline/pretrain/loss.js";
import { type ModelSize, stepInputs } from "./work.js";

/** What a card was seen to do. Measured with bare kernels, not with this program: each figure says where it is from. */
export type Card = {
  readonly words: string;
  /** Bytes a second, read and written, of a pass over memory. */
  readonly bandwidth: number;
  /** Operations a second in products, and in all else. */
  readonly products: Readonly<Record<"float32" | "mixed", number>>;
  readonly other: number;
  /** Seconds a dispatch takes at least. */
  readonly dispatch: number;
  /** Bytes of one tensor. */
  readonly largest: number;
  readonly bindings: number;
  /** Its matrix units, as Dawn names them. */
  readonly units: MatrixUnits;
};

/** H100 80GB, driver 580, Dawn 0.6.2 in Node 20.20: elementwise pass, plain product 4096³, matrix units at 5632 × 3072 × 768. */
export const cards = {
  h100: {
    words: "one H100 80GB",
    bandwidth: 2.75e12,
    products: { float32: 36e12, mixed: 150e12 },
    other: 20e12,
    dispatch: 5.3e-6,
    largest: 2 ** 31 - 4,
    bindings: 16,
    units: { M: 16, N: 16, K: 16, subgroup: 32, memory: 48 * 1024 },
  },
} as const satisfies Record<string, Card>;
export type CardName = keyof typeof cards;

/** One line of an estimate. */
export type FamilyEstimate = {
  readonly family: string;
  readonly dispatches: number;
  readonly gigaflops: number;
  readonly gigabytes: number;
  /** Seconds at the card's limits: an estimate, a lower bound. */
  readonly seconds: number;
};

export type Estimate = {
  readonly card: CardName;
  readonly precision: "float32" | "mixed";
  readonly families: readonly FamilyEstimate[];
  readonly total: FamilyEstimate;
  readonly activationGigabytes: number;
  readonly stateGigabytes: number;
};

/**
 * Attention has no bare kernel whose rate was seen: its products are counted at the rate of products, on matrix units
 * where it is written for them.
 */
const rateOf = ({ family, units }: DispatchCost, { products, other }: Card): number =>
  family === "product" || family === "attention" ? products[units ? "mixed" : "float32"] : other;

const seconds = (cost: DispatchCost, card: Card): number =>
  Math.max(cost.flops / rateOf(cost, card), cost.bytes / card.bandwidth, card.dispatch);

const summed = (family: string, costs: readonly DispatchCost[], card: Card): FamilyEstimate => ({
  family,
  dispatches: costs.length,
  gigaflops: costs.reduce((sum, { flops }) => sum + flops, 0) / 1e9,
  gigabytes: costs.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9,
  seconds: costs.reduce((sum, cost) => sum + seconds(cost, card), 0),
});

/**
 * Plans a pretraining step for a card that is not here, and says what it would take at least: every dispatch at the
 * card's arithmetic, memory or launch rate, whichever is slowest.
 */
export async function estimateStep(
  size: ModelSize,
  batch: number,
  name: CardName,
  precision: Estimate["precision"],
  keep?: Keep,
): Promise<Estimate> {
  const card: Card = cards[name];
  const { config, params, inputs, objective } = stepInputs(size, batch);
  let found: ReturnType<typeof planCosts> | undefined;
  const planned = new Error("planned");
  /** A runtime that plans and does not run. */
  const planner: Pick<Runtime, "name" | "place" | "compile"> = {
    name: card.words,
    // Shapes are all that a plan looks at.
    place: async <T>(tree: T) => tree as OnDevice<T>,
    compile: async (fn, example, residence) => {
      const limits = { largest: card.largest, bindings: card.bindings };
      const { units } = card;
      found = planCosts(planFunction(fn, example, { limits, half: precision === "mixed", units, ...residence }).plan);
      throw planned;
    },
  };
  const steps = createDeviceStep(planner, pretrainLoss(config, objective, { keep }), adam());
  const state = steps.init(params);
  await steps.step(state, inputs, 1e-4).catch((error: unknown) => {
    if (error !== planned) throw error;
  });
  const { dispatches, activationBytes, inputBytes } = found!;
  const families = [...new Set(dispatches.map(({ family }) => family))].map((family) =>
    summed(
      family,
      dispatches.filter((one) => one.family === family),
      card,
    ),
  );
  return {
    ...{ card: name, precision },
    families: families.sort((a, b) => b.seconds - a.seconds),
    total: summed("all", dispatches, card),
    activationGigabytes: activationBytes / 1e9,
    stateGigabytes: inputBytes / 1e9,
  };
}

/** The estimate as a table. */
export function estimateTable({
  card,
  precision,
  families,
  total,
  activationGigabytes,
  stateGigabytes,
}: Estimate): string {
  const row = ({ family, dispatches, gigaflops, gigabytes, seconds }: FamilyEstimate): string =>
    `${family.padEnd(12)} ${String(dispatches).padStart(10)} ${gigaflops.toFixed(1).padStart(11)} ${gigabytes.toFixed(2).padStart(9)} ${(1000 * seconds).toFixed(2).padStart(9)}`;
  return [
    `${cards[card].words}, ${precision}: counted from the plan, at rates seen with bare kernels; not measured`,
    "family       dispatches      GFLOP        GB        ms",
    ...[...families, total].map(row),
    `memory: ${activationGigabytes.toFixed(2)} GB of activations and gradients, ${stateGigabytes.toFixed(2)} GB of state and batch`,
    "",
  ].join("\n");
}
