import { KdcError } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import { measureAdam } from "./adam-curve.js";
import { measureCaseFeatures, measureFeatures, measureFinetune } from "./features-and-modes.js";
import { type CaseErrors, measureCase } from "./pretraining-case.js";
import { openReferenceFolder } from "./reference-folder.js";
import { worst } from "./relative-error.js";

/** A way to run: its name in the report, what runs, and on what. */
export type Execution = { readonly name: "eager" | "compiled"; readonly execute: Execute; readonly on: string };

/** One case under one execution; `error` where it could not be computed. */
export type CaseResult = {
  readonly name: string;
  readonly execution: Execution["name"];
  readonly loss: number | null;
  readonly worstOutput: number | null;
  readonly worstGradient: number | null;
  readonly pass: boolean;
  readonly errors?: Pick<CaseErrors, "parts" | "outputs" | "gradients">;
  readonly error?: string;
};

/** A part of the folder that is no pretraining case. */
export type PartResult = {
  readonly name: "adam" | "features" | "finetune";
  readonly execution: Execution["name"];
  readonly worst: number | null;
  readonly pass: boolean;
  readonly errors?: Readonly<Record<string, number>>;
  readonly error?: string;
};

/** Everything in a folder of reference numbers against this project. */
export type ParityReport = {
  readonly pass: boolean;
  readonly folder: string;
  readonly executions: Readonly<Record<string, string>>;
  readonly cases: readonly CaseResult[];
  readonly parts: readonly PartResult[];
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Compares the cases of a folder, under every execution given. What cannot be computed is a failure, with its reason.
 *
 * @param only names of cases and parts; all of them unless given
 * @throws KdcError when the folder has no readable index, or nothing of a name that was asked for
 */
export async function parity(
  path: string,
  executions: readonly Execution[],
  onCase: (done: number, total: number, name: string) => void = () => undefined,
  only?: readonly string[],
): Promise<ParityReport> {
  const folder = await openReferenceFolder(path);
  const cases: CaseResult[] = [];
  const parts: PartResult[] = [];
  const present = Object.entries(folder.index.cases);
  const isWanted = ([name]: readonly [string, unknown]) => only?.includes(name) ?? true;
  const wanted = present.filter(isWanted);
  const all = [
    ...(folder.index.adam_curve.length > 0
      ? [["adam", (execute: Execute) => measureAdam(execute, folder)] as const]
      : []),
    ...(folder.has("features") ? [["features", (execute: Execute) => measureFeatures(execute, folder)] as const] : []),
    ...(present.some(([name]) => folder.has(`${name}.features`))
      ? [["features", (execute: Execute) => measureCaseFeatures(execute, folder)] as const]
      : []),
    ...(folder.has("finetune") ? [["finetune", (execute: Execute) => measureFinetune(execute, folder)] as const] : []),
  ];
  const measures = all.filter(isWanted);
  const known = [...present, ...all].map(([name]) => name);
  const stranger = only?.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new KdcError({
      where: `parity ${path}`,
      what: `it has no case "${stranger}"`,
      remedy: `Name some of ${[...new Set(known)].join(", ")}`,
      reason: "usage",
    });
  }
  const total = executions.length * (wanted.length + measures.length);
  const tell = (name: string) => onCase(cases.length + parts.length, total, name);
  for (const { name: execution, execute } of executions) {
    for (const [name, reference] of wanted) {
      try {
        const { loss, parts, outputs, gradients, pass } = await measureCase(execute, folder, name, reference);
        const errors = { parts, outputs, gradients };
        const figures = { loss, worstOutput: worst(outputs), worstGradient: worst(gradients) };
        cases.push({ name, execution, ...figures, pass, errors });
      } catch (error) {
        const nothing = { loss: null, worstOutput: null, worstGradient: null };
        cases.push({ name, execution, ...nothing, pass: false, error: messageOf(error) });
      }
      tell(name);
    }
    for (const [name, measure] of measures) {
      try {
        parts.push({ name, execution, ...(await measure(execute)) });
      } catch (error) {
        parts.push({ name, execution, worst: null, pass: false, error: messageOf(error) });
      }
      tell(name);
    }
  }
  return {
    pass: cases.length + parts.length > 0 && [...cases, ...parts].every(({ pass }) => pass),
    folder: path,
    executions: Object.fromEntries(executions.map(({ name, on }) => [name, on])),
    cases,
    parts,
  };
}
