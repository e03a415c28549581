import { fixed, learned, type Objective, type ObjectiveEntry, objective, uncertainty } from "@kdc-mae/losses";
import type { CheckedExperiment } from "../experiment/schema.js";

const weightings = { fixed, uncertainty, learned };

/** The objective an experiment describes. */
export function objectiveFor(experiment: CheckedExperiment): Objective {
  return objective(experiment.objective as readonly ObjectiveEntry[], weightings[experiment.weighting]());
}

/** Whether an experiment contrasts the clips of a batch with each other. */
export const objectiveContrasts = ({ objective }: Pick<CheckedExperiment, "objective">): boolean =>
  objective.some(({ term, weight = 1 }) => term === "contrastive" && weight > 0);
