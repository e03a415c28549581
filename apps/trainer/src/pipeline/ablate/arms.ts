import { isDeepStrictEqual } from "node:util";
import { KdcError } from "@kdc-mae/core";
import { parseChange, withChanges } from "../experiment/change.js";
import { checkExperiment, checkWith } from "../experiment/check.js";
import { differingKeys, valueAt } from "../experiment/differing.js";
import { type CheckedExperiment, describedExperiment, unmetIn } from "../experiment/schema.js";
import { expectPossible } from "../pretrain/expect-possible.js";
import { alone } from "../ranks/ranks.js";
import { flopOfRun, withBudget } from "./budget.js";
import { refuse } from "./refuse.js";
import type { ArmSpec, CheckedAblation } from "./schema.js";

/** An arm with the experiment that its runs share but for the seed. */
export type Arm = { readonly spec: ArmSpec; readonly experiment: CheckedExperiment };

/** An ablation worked out: the base, and every arm's experiment. */
export type Arms = { readonly base: CheckedExperiment; readonly arms: readonly Arm[] };

type Changes = CheckedAblation["change"];

/** Lays a tree or a list of assignments over a value. */
const changed = (value: unknown, changes: Changes): unknown =>
  Array.isArray(changes) ? changes.map(parseChange).reduce(withChanges, value) : withChanges(value, changes ?? {});

/** What an arm must leave alone, and why. */
const held: Readonly<Record<string, string>> = {
  seed: "seeds are the ablation's, the same for every arm",
  data: "arms are compared on the same clips",
  name: "an arm's runs are named after it",
};

type Term = CheckedExperiment["objective"][number];

const nameOf = ({ term, name }: Term): string => name ?? (typeof term === "string" ? term : term.name);

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** The terms of an objective that an arm keeps, in their order, and those it adds. */
function objectiveOf(terms: readonly Term[], { keepTerms, addTerms = [] }: ArmSpec, where: string): readonly Term[] {
  const names = terms.map(nameOf);
  const idle = keepTerms?.find((pattern) => !names.some((name) => matches(pattern, name)));
  if (idle !== undefined) {
    refuse(where, `keepTerms "${idle}" takes none of the objective's terms`, `They are ${names.join(", ")}`);
  }
  const kept = terms.filter((term) => keepTerms?.some((pattern) => matches(pattern, nameOf(term))) ?? true);
  return [...kept, ...(addTerms as readonly Term[])];
}

/** Checks what otherwise fails when the run begins, an hour into the ablation. */
function expectTrainable(experiment: CheckedExperiment, where: string): void {
  try {
    expectPossible(experiment, alone);
    const unmet = unmetIn(experiment).map(([, message]) => message);
    if (unmet.length > 0) refuse(where, unmet.join("; "), "Leave out such a term (keepTerms), or change the arm");
  } catch (cause) {
    if (cause instanceof KdcError && cause.where !== where) {
      throw new KdcError({ where, what: cause.message, remedy: "Correct this arm", reason: "experiment", cause });
    }
    throw cause;
  }
}

function armOf(spec: ArmSpec, base: CheckedExperiment, raw: unknown, ablation: string): Arm {
  const where = `ablation ${ablation}, arm ${spec.name}`;
  const asked = changed({}, spec.change) as Record<string, unknown>;
  const touched = Object.keys(held).find((key) => key in asked);
  if (touched !== undefined) refuse(where, `it changes ${touched}, and ${held[touched]}`, "Change it in the base");
  const change = changed(raw, spec.change);
  const experiment = checkWith(describedExperiment, change, `${ablation}, arm ${spec.name}`);
  const objective = objectiveOf(experiment.objective, spec, where);
  const made = { ...experiment, name: `${ablation}-${spec.name}`, seed: base.seed, objective: [...objective] };
  expectTrainable(made, where);
  return { spec, experiment: made };
}

/** The FLOP per clip that an arm of equal compute is given. */
function budgetFor(
  { equalCompute, name }: ArmSpec,
  base: CheckedExperiment,
  arms: readonly Arm[],
  ablation: string,
): number {
  const own = arms.filter(({ spec }) => spec.equalCompute === undefined);
  if (equalCompute === true) return flopOfRun(base);
  if (equalCompute === "largest") return Math.max(...own.map(({ experiment }) => flopOfRun(experiment)));
  const found = own.find(({ spec }) => spec.name === equalCompute);
  if (found !== undefined) return flopOfRun(found.experiment);
  return refuse(
    `ablation ${ablation}, arm ${name}`,
    `equalCompute is ${JSON.stringify(equalCompute)}`,
    `Use true (the base), "largest", or an arm with epochs of its own: ${own.map(({ spec }) => spec.name).join(", ")}`,
  );
}

/**
 * Works out every arm's experiment.
 *
 * @param raw the base, not yet checked: a term from another package is still a value in it
 * @throws KdcError (`experiment`) naming the arm and what is wrong with it
 */
export function workOutArms(ablation: CheckedAblation, raw: unknown, sets: readonly unknown[] = []): Arms {
  const whole = sets.reduce(withChanges, changed(raw, ablation.change));
  const base = checkExperiment(whole, `${ablation.name}, base`);
  const first = ablation.arms.map((spec) => armOf(spec, base, whole, ablation.name));
  const arms = first.map((arm) =>
    arm.spec.equalCompute === undefined
      ? arm
      : { ...arm, experiment: withBudget(arm.experiment, budgetFor(arm.spec, base, first, ablation.name)) },
  );
  return { base, arms };
}

const termText = ({ term, weight = 1, name }: Term): string =>
  `${weight} × ${name ?? (typeof term === "string" ? term : term.name)}`;

/** What an arm is, in one line: its own words, then what differs from the base. */
export function aboutArm({ spec, experiment }: Arm, base: CheckedExperiment): string {
  const [from, to] = [base, experiment].map((one) => JSON.parse(JSON.stringify(one)) as Record<string, unknown>);
  const differing = differingKeys(from, to).filter((key) => key !== "name" && key !== "objective");
  const changes = [
    ...differing.map((key) => `${key} ${valueAt(to, key)}`),
    ...(isDeepStrictEqual(from.objective, to.objective) ? [] : [experiment.objective.map(termText).join(" + ")]),
  ];
  const what = changes.length === 0 ? "the base as it is" : changes.join("; ");
  return spec.about === undefined ? what : `${spec.about}: ${what}`;
}
