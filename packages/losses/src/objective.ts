import { type Evidence, type FloatTensor, KdcError, type LossReport } from "@kdc-mae/core";
import { type Scalar, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { type BuiltinEntry, builtinTerms } from "./builtin.js";
import { expectOptions } from "./options.js";
import { neededEvidence, type ObjectiveParts, seesAllClips } from "./parts.js";
import { expectNeeds, type LossTerm, type Needs } from "./term.js";
import { fixed } from "./weighting/fixed.js";
import type { Weighting, WeightingParams } from "./weighting/weighting.js";

/** An entry with a term of anybody's making; {@link entry} checks its options' type. */
export type TermEntry<Options = unknown> = {
  readonly term: LossTerm<Options>;
  /** Default 1. */
  readonly weight?: number;
  /** Name in the report, where one term is used twice. Default the term's own. */
  readonly name?: string;
  readonly options?: Options;
};

/** One line of an objective. */
export type ObjectiveEntry = BuiltinEntry | TermEntry;

/** What a training step goes down. */
export type Objective = {
  /** The terms' names, in the order given. */
  readonly names: readonly string[];
  /** What all terms together need of the evidence. */
  readonly needs: {
    readonly views: number;
    /** The fewest clips to be seen together; terms of weight 0 have no say. */
    readonly clips: number;
    /** Whether a term compares with a teacher's encoding of the views, and of the whole clips. */
    readonly teacher: boolean;
    readonly whole: boolean;
  };
  /** Whether a term must see all clips of a batch together, so that the loss is no mean of the losses of its pieces. */
  readonly seesAllClips: boolean;
  /** First values of the numbers that the weighting trains; `{}` for fixed weights. */
  initParams(): WeightingParams<FloatTensor>;
  /**
   * The weighted total, and each term before its weight.
   *
   * @throws KdcError if the evidence lacks what a term needs, or the weighting its params
   */
  compute(evidence: Evidence, params?: WeightingParams<Tensor>): LossReport;
  /** What a batch adds where several are to be seen at once; `whole(part(evidence))` is `compute(evidence)`. */
  part(evidence: Evidence): ObjectiveParts;
  /** The report of all clips, from joined parts: means averaged over clips, all else one after another. */
  whole(parts: ObjectiveParts, params?: WeightingParams<Tensor>): LossReport;
};

/**
 * An {@link ObjectiveEntry} of a term of your own, with its options' type checked.
 *
 * @example
 * ```ts
 * import { entry, kdcMae, type LossTerm, objective } from "@kdc-mae/losses";
 * import { addN, mean, mul, type Scalar, square, tidy } from "@tensorflow/tfjs-core";
 *
 * const shortVectors: LossTerm<{ readonly by: number }> = {
 *   name: "short-vectors",
 *   needs: () => ({ views: 1, encoded: ["joint"] }),
 *   compute: ({ views }, { by } = { by: 1 }) =>
 *     tidy(() => mul<Scalar>(addN(views.map(({ encoded }) => mean<Scalar>(square(encoded.joint)))), by)),
 * };
 * const mine = objective([...kdcMae, entry({ term: shortVectors, weight: 0.1, options: { by: 2 } })]);
 * ```
 */
export const entry = <Options>(line: TermEntry<Options> & { readonly options?: NoInfer<Options> }): ObjectiveEntry =>
  line as TermEntry;

type Line = { readonly name: string; readonly term: LossTerm; readonly weight: number; readonly options: unknown };

function refuse(what: string, remedy: string, reason: string): never {
  throw new KdcError({ where: "objective", what, remedy, reason });
}

const entryKeys: readonly string[] = ["term", "weight", "name", "options"] satisfies (keyof TermEntry)[];

function readLine(given: ObjectiveEntry): Line {
  const shape = 'Write { term: "contrastive" } or { term: myTerm }';
  if (typeof given !== "object" || given === null) refuse(`an entry is ${JSON.stringify(given)}`, shape, "entry");
  const { term, weight = 1, name, options } = given;
  const odd = Object.keys(given).find((key) => !entryKeys.includes(key));
  if (odd !== undefined) {
    refuse(`an entry has the key "${odd}"`, `Its keys are ${entryKeys.join(", ")}`, "entry");
  }
  if (typeof term === "string" && !Object.hasOwn(builtinTerms, term)) {
    refuse(
      `the loss term "${term}" is not known`,
      `Use one of ${Object.keys(builtinTerms).join(", ")}, or a LossTerm value`,
      "unknown-term",
    );
  }
  const found = (typeof term === "string" ? builtinTerms[term] : term) as LossTerm;
  if (typeof found?.needs !== "function" || typeof found.compute !== "function") {
    refuse("a term is no LossTerm: it lacks the function needs or compute", shape, "entry");
  }
  const label = name ?? found.name;
  if (!(Number.isFinite(weight) && weight >= 0)) {
    refuse(`the weight of "${label}" is ${weight}`, "Give a finite number, 0 or more", "weight");
  }
  return { name: label, term: found, weight, options: expectOptions(found, options) };
}

/**
 * An objective from a list of terms. Entries name a built-in term or hold a {@link LossTerm}.
 *
 * @param weighting how the terms are added up; fixed weights by default
 * @throws KdcError for an empty list, a name twice, an unknown term, a bad option, or a weight that is not a finite
 * number of 0 or more
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { kdcMae, objective } from "@kdc-mae/losses";
 * import { exampleEvidence } from "@kdc-mae/losses/testing";
 * import "@tensorflow/tfjs"; // a backend
 *
 * const { total, terms } = objective(kdcMae).compute(exampleEvidence(createRng(1)));
 * ```
 */
export function objective(entries: readonly ObjectiveEntry[], weighting: Weighting = fixed()): Objective {
  const lines = entries.map(readLine);
  if (lines.length === 0) refuse("there are no terms", "List at least one loss term", "empty-objective");
  const names = lines.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    refuse(`two terms are called "${twice}"`, 'Give one of them another "name"', "duplicate-term");
  }
  const needs: Needs[] = lines.map(({ term, options }) => term.needs(options));
  const trained = weighting.init(lines);
  const apart = lines.map(({ term }, index) => !seesAllClips(term, needs[index]));
  const together = needs.filter((_, index) => !apart[index]);
  const expectParams = (params: WeightingParams<Tensor>): void => {
    for (const [group, members] of Object.entries(trained)) {
      const missing = Object.keys(members).find((name) => params[group]?.[name] === undefined);
      if (missing === undefined) continue;
      refuse(
        `the ${weighting.name} weighting has no params for "${group}.${missing}"`,
        "Pass compute the trained copy of initParams()",
        "missing-params",
      );
    }
  };
  const report = (params: WeightingParams<Tensor>, compute: (line: Line) => Scalar): LossReport => {
    const terms = lines.map((line) => ({ name: line.name, weight: line.weight, value: compute(line) }));
    return {
      total: weighting.total(terms, params),
      terms: Object.fromEntries(terms.map(({ name, value }) => [name, value])),
    };
  };
  return {
    names,
    seesAllClips: together.length > 0,
    needs: {
      views: Math.max(...needs.map(({ views }) => views)),
      clips: Math.max(1, ...needs.map(({ clips = 1 }, index) => (lines[index].weight > 0 ? clips : 1))),
      teacher: needs.some(({ teacher }) => teacher === true),
      whole: needs.some(({ whole }) => whole === true),
    },
    initParams: () => weighting.init(lines),
    compute: (evidence, params = {}) => {
      for (const [index, { name }] of lines.entries()) expectNeeds(name, needs[index], evidence);
      expectParams(params);
      return tidy(() => report(params, ({ term, options }) => term.compute(evidence, options)));
    },
    part: (evidence) => {
      for (const [index, { name }] of lines.entries()) expectNeeds(name, needs[index], evidence);
      const alone = lines.filter((_, index) => apart[index]);
      const means = tidy(() =>
        Object.fromEntries(alone.map(({ name, term, options }) => [name, term.compute(evidence, options)])),
      );
      return together.length === 0 ? { means } : { means, evidence: neededEvidence(evidence, together) };
    },
    whole: ({ means, evidence }, params = {}) => {
      expectParams(params);
      return tidy(() =>
        report(params, ({ name, term, options }) => means[name] ?? term.compute(evidence as Evidence, options)),
      );
    },
  };
}
