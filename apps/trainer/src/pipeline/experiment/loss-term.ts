import type { LossTerm } from "@kdc-mae/losses";
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
