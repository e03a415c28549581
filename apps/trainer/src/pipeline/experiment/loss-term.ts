import { isKdcError } from "@kdc-mae/core";
import { builtinTerms, expectOptions, type LossTerm } from "@kdc-mae/losses";
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

/** What a term says is wrong with its options; a run that is read again may name a term that is not at hand. */
export function optionsProblem(term: string | LossTerm, options: Readonly<Record<string, unknown>> | undefined) {
  const builtin = (name: string): LossTerm | undefined =>
    Object.hasOwn(builtinTerms, name) ? (builtinTerms as Readonly<Record<string, LossTerm>>)[name] : undefined;
  const known = typeof term === "string" ? builtin(term) : term;
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
