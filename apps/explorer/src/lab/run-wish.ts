import { KdcError } from "@kdc-mae/core";
import { type CheckedExperiment, checkExperiment, named } from "@kdc-mae/trainer/recipe";
import { termFrom } from "./own-term.js";

/** What a person asks of a run. */
export type RunWish = {
  readonly clips: number;
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  /** A list is an objective; a record is what else of the demo's experiment is other. */
  readonly objective: string;
  /** JavaScript of a term of one's own; none where empty. */
  readonly term: string;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KdcError({
      where: "objective",
      what: `it is not JSON (${said})`,
      remedy: "Check commas and quotes",
      reason: "experiment",
    });
  }
};

type Changes = {
  readonly objective?: readonly { readonly term?: unknown }[];
  readonly training?: object;
  readonly data?: object;
};

/** The first part of a record that a field of the page says as well. */
function decidedByFields({ data, training, ...rest }: Changes): string | undefined {
  if ("seed" in rest) return "seed";
  if ("name" in rest) return "name";
  const clips = ["train", "kind"].find((key) => key in (data ?? {}));
  if (clips !== undefined) return `data.${clips}`;
  return ["batch", "epochs"].map((key) => (key in (training ?? {}) ? `training.${key}` : undefined)).find(Boolean);
}

/** The experiment that a wish describes: the demo's, with what was changed, checked by the same schema. */
export function experimentOf({ clips, batch, epochs, seed, objective, term }: RunWish): CheckedExperiment {
  const given = parsed(objective);
  const changes = (Array.isArray(given) ? { objective: given } : given) as Changes;
  const doubled = decidedByFields(changes);
  if (doubled !== undefined) {
    throw new KdcError({
      where: "objective",
      what: `${doubled} is set by a field of the page`,
      remedy: "Leave it out here, and fill in that field",
      reason: "experiment",
    });
  }
  const own = term.trim() === "" ? undefined : termFrom(term);
  const lines: readonly { readonly term?: unknown }[] = changes.objective ?? named.demo.objective;
  // A line that names the term of one's own has it in its place.
  const withOwn = lines.map((line) => (own !== undefined && line?.term === own.name ? { ...line, term: own } : line));
  const { demo } = named;
  return checkExperiment(
    {
      ...demo,
      ...changes,
      ...{ name: "in-a-tab", seed, objective: withOwn },
      data: { ...demo.data, ...changes.data, train: clips },
      training: { ...demo.training, ...changes.training, batch, epochs },
    },
    "in this page",
  );
}
