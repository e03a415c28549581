import { isKdcError, KdcError } from "@kdc-mae/core";
import { fixed, learned, type Objective, type ObjectiveEntry, objective, uncertainty } from "@kdc-mae/losses";
import type { CheckedExperiment } from "../experiment/schema.js";

const weightings = { fixed, uncertainty, learned };

/** The objective an experiment describes. */
export function objectiveFor(experiment: CheckedExperiment): Objective {
  try {
    return objective(experiment.objective as readonly ObjectiveEntry[], weightings[experiment.weighting]());
  } catch (cause) {
    if (!isKdcError(cause)) throw cause;
    const { where, what, remedy } = cause;
    // Of terms the experiment says all there is to say: it is wrong by itself.
    throw new KdcError({ where: `experiment ${experiment.name}, ${where}`, what, remedy, reason: "experiment", cause });
  }
}

/** Whether an experiment contrasts the clips of a batch with each other. */
export const objectiveContrasts = ({ objective }: Pick<CheckedExperiment, "objective">): boolean =>
  objective.some(({ term, weight = 1 }) => term === "contrastive" && weight > 0);

/** Of the teacher, where an experiment asks for one without saying (BYOL, Grill et al. 2020). */
const DEFAULT_MOMENTUM = 0.996;

/** The moving-average copy of the encoder that an experiment keeps: it says so, or something looks at one; none beside a fixed teacher. */
export function teacherOf(experiment: CheckedExperiment): { readonly momentum: number } | undefined {
  const { needs } = objectiveFor(experiment);
  if (experiment.fixedTeacher !== undefined) return undefined;
  if (experiment.teacher !== undefined) return experiment.teacher;
  const asked = needs.teacher || needs.whole || experiment.masking.contrast?.by === "teacher";
  return asked ? { momentum: DEFAULT_MOMENTUM } : undefined;
}
