import { isKdcError } from "@kdc-mae/core";
import { builtinTerms, expectOptions, type LossTerm, type Needs } from "@kdc-mae/losses";
import { z } from "zod";

const isLossTerm = (value: unknown): value is LossTerm => {
  if (typeof value !== "object" || value === null) return false;
  const { name, needs, compute } = value as Partial<Record<keyof LossTerm, unknown>>;
  return typeof name === "string" && typeof needs === "function" && typeof compute === "function";
};

/** A term that writes itself as its name wherever an experiment is kept as JSON. */
const namedInJson = (term: LossTerm): LossTerm => Object.create(term, { toJSON: { value: () => term.name } });

/** A loss term in an experiment: the name of a built-in one, or a `LossTerm` value. */
export const lossTerm = z
  .custom<string | LossTerm>(
    (value) => (typeof value === "string" && value !== "") || isLossTerm(value),
    "must be the name of a built-in term, or a LossTerm with name, needs and compute",
  )
  .transform((term) => (typeof term === "string" ? term : namedInJson(term)));

/** The term itself; none for a name of somebody else's, as a run that is read again may have it. */
function knownTerm(term: string | LossTerm): LossTerm | undefined {
  if (typeof term !== "string") return term;
  return Object.hasOwn(builtinTerms, term) ? (builtinTerms as Readonly<Record<string, LossTerm>>)[term] : undefined;
}

type Entry = {
  readonly term: string | LossTerm;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
};

/** What a term says is wrong with its options. */
export function optionsProblem({ term, options }: Entry): string | undefined {
  const known = knownTerm(term);
  if (known === undefined) return undefined;
  try {
    expectOptions(known, options);
    known.needs(options);
    return undefined;
  } catch (error) {
    if (isKdcError(error)) return error.message;
    throw error;
  }
}

/** What an experiment's terms are, and what it gives them to look at. */
type Described = {
  readonly objective: readonly Entry[];
  readonly masking: {
    readonly kind: string;
    readonly views: number;
    readonly contrast?: { readonly by: "chance" | "teacher" } | undefined;
  };
  readonly model: {
    readonly globalToken?: boolean | undefined;
    readonly predictor?: object | undefined;
    readonly contrastHeads?: number | undefined;
  };
  readonly teacher?: object | undefined;
  readonly fixedTeacher?: object | undefined;
};

/** Said of a moving-average teacher that changes no figure. */
export const IDLE_TEACHER =
  'nothing looks at a moving-average teacher here: give the term "view-distillation" the target "teacher", or leave it out';

/**
 * What terms need and an experiment does not give, by the key of the entry, said before anything is decoded. And the
 * other way round: what an experiment gives and nothing reads.
 */
export function unmetNeeds({
  objective,
  masking,
  model,
  teacher,
  fixedTeacher,
}: Described): [path: string[], what: string][] {
  const terms = objective.map(({ term, options }, at) => {
    const known = optionsProblem({ term, options }) === undefined ? knownTerm(term) : undefined;
    return {
      at: String(at),
      name: typeof term === "string" ? term : term.name,
      needs: known?.needs(options),
    };
  });
  const { contrast } = masking;
  const adaptive = masking.kind === "adaptive";
  const problems = terms.flatMap(({ at, name, needs }): [string[], string][] => {
    if (needs === undefined) return [];
    const views =
      needs.views > masking.views && `${name} needs ${needs.views} views and masking.views is ${masking.views}`;
    const sampling =
      needs.sampling &&
      !adaptive &&
      `${name} trains the network that draws the views: set masking.kind to adaptive, or leave it out`;
    const tokens =
      [...(needs.encoded ?? []), ...(needs.contrast ?? [])].some((stream) => stream.startsWith("global")) &&
      !model.globalToken &&
      `${name} looks at global tokens: set model.globalToken, or leave it out`;
    const path =
      (needs.contrast?.length ?? 0) > 0 &&
      contrast === undefined &&
      `${name} looks at views of the contrast's own: set masking.contrast, or leave path "own" out`;
    const predicted =
      (needs.prediction?.length ?? 0) > 0 &&
      model.predictor === undefined &&
      `${name} looks at predicted tokens: set model.predictor (an empty record takes the decoder's sizes), or leave it out`;
    const patches =
      needs.whole &&
      fixedTeacher !== undefined &&
      `${name} looks at what a moving-average teacher makes of every patch, and fixedTeacher says one vector a clip: leave one of them out`;
    const global =
      needs.teacher &&
      fixedTeacher !== undefined &&
      needs.encoded?.some((stream) => stream.startsWith("global")) &&
      `${name} compares global tokens, which fixedTeacher does not say: leave one of them out`;
    return [views, sampling, tokens, path, predicted, patches, global]
      .filter((what) => typeof what === "string")
      .map((what) => [["objective", at], what]);
  });
  const asks = (of: (needs: Needs) => unknown): boolean =>
    terms.some(({ needs }) => needs === undefined || Boolean(of(needs)));
  // Heads come after a modality's own pass; the joint one has none.
  const looksAtHeads = ({ encoded = [], contrast: own = [] }: Needs) =>
    [...encoded, ...own].some((stream) => stream !== "joint");
  const untrained =
    'adaptive views are drawn by a network that no term trains: add { "term": "patch-sampling", "weight": 1e-4 } to the objective (a weight of 0 keeps the network of a checkpoint as it is)';
  const unread = 'no term looks at these views: give the term "contrastive" the option path "own", or leave them out';
  const unlearned =
    'nothing trains the predictor: add { "term": "latent-prediction" } to the objective, or leave model.predictor out';
  const headless =
    "no term looks at what the contrast heads give, so nothing trains them, and clips would be embedded through them: add one that looks at the audio or visual stream, such as contrastive, or leave model.contrastHeads out";
  const blind =
    'a teacher points at patches by its global token: set model.globalToken, or masking.contrast.by to "chance"';
  const pointed =
    'a moving-average teacher points at patches, which fixedTeacher does not: set masking.contrast.by to "chance", or leave fixedTeacher out';
  const untaught =
    'no term looks at what it makes of clips: add { "term": "teacher-cosine" } to the objective, or leave it out';
  const faults: readonly (readonly [boolean, string[], string])[] = [
    [adaptive && !asks(({ sampling }) => sampling), ["masking", "kind"], untrained],
    [contrast !== undefined && !asks((one) => one.contrast?.length), ["masking", "contrast"], unread],
    [contrast?.by === "teacher" && !model.globalToken, ["masking", "contrast", "by"], blind],
    [contrast?.by === "teacher" && fixedTeacher !== undefined, ["masking", "contrast", "by"], pointed],
    [fixedTeacher !== undefined && !asks(({ teacher }) => teacher), ["fixedTeacher"], untaught],
    [
      teacher !== undefined && contrast?.by !== "teacher" && !asks((one) => one.teacher || one.whole),
      ["teacher"],
      IDLE_TEACHER,
    ],
    [(model.contrastHeads ?? 0) > 0 && !asks(looksAtHeads), ["model", "contrastHeads"], headless],
    [model.predictor !== undefined && !asks((one) => one.prediction?.length), ["model", "predictor"], unlearned],
  ];
  return [...problems, ...faults.filter(([is]) => is).map(([, path, what]): [string[], string] => [path, what])];
}
