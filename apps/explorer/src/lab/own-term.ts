import { KdcError } from "@kdc-mae/core";
import type { LossTerm } from "@kdc-mae/losses";
import { checkLossTerm } from "@kdc-mae/losses/testing";
import * as tf from "@tensorflow/tfjs-core";

const refuse = (what: string, remedy: string, cause?: unknown) =>
  new KdcError({ where: "your term", what, remedy, reason: "term", cause });

/**
 * A `LossTerm` from JavaScript that returns one, with `tf` in reach. It is read here, in a worker, where there is no page
 * to change.
 *
 * @throws KdcError for code that does not run, or returns something else
 */
export function termFrom(code: string): LossTerm {
  let made: unknown;
  try {
    made = new Function("tf", `"use strict";\n${code}`)(tf);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const barred = cause instanceof EvalError || /unsafe-eval/.test(said);
    throw barred
      ? refuse(
          "this page's host forbids running code of your own (Content-Security-Policy without unsafe-eval)",
          "Open it with kdc-mae explore",
          cause,
        )
      : refuse(
          `its code does not run (${said})`,
          "Correct it; it must end with return { name, needs, compute }",
          cause,
        );
  }
  const { name, needs, compute } = (made ?? {}) as Partial<LossTerm>;
  if (typeof name !== "string" || typeof needs !== "function" || typeof compute !== "function") {
    throw refuse("it does not return a LossTerm", "End it with return { name, needs, compute }");
  }
  return made as LossTerm;
}

/** What the suite that every term must pass says of it; empty where nothing is wrong. */
export const problemsOf = (term: LossTerm): readonly string[] => checkLossTerm(term);
