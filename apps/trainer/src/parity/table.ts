import type { CaseResult, ParityReport, PartResult } from "./parity.js";
import type { Errors } from "./relative-error.js";

const cell = (error: number | null | undefined): string => (error == null ? "–" : error.toExponential(1)).padStart(9);

const verdict = (pass: boolean): string => (pass ? "pass" : "FAIL").padStart(9);

const largest = (errors: Errors | undefined): [name: string, error: number][] =>
  Object.entries(errors ?? {})
    .sort(([, a], [, b]) => b - a)
    .slice(0, 1);

/** Lines of one case or part: one column per execution, one row per figure. */
function block<Result extends CaseResult | PartResult>(
  name: string,
  results: readonly Result[],
  rows: (result: Result) => readonly (readonly [label: string, error: number | null | undefined])[],
): string[] {
  const columns = results.map((result) => new Map(rows(result)));
  const labels = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const line = (label: string, cells: readonly string[]) => `  ${label.padEnd(44)}${cells.join("")}`;
  return [
    `${name.padEnd(46)}${results.map(({ execution }) => execution.padStart(9)).join("")}`,
    ...labels.map((label) =>
      line(
        label,
        columns.map((column) => cell(column.get(label))),
      ),
    ),
    line(
      "",
      results.map(({ pass }) => verdict(pass)),
    ),
    ...results.flatMap(({ execution, error }) => (error === undefined ? [] : [`  ${execution}: ${error}`])),
    "",
  ];
}

const named = <Result extends { readonly name: string }>(results: readonly Result[]): [string, Result[]][] =>
  [...new Set(results.map(({ name }) => name))].map((name) => [name, results.filter((one) => one.name === name)]);

/** A report as plain text: relative errors, one column per execution. */
export function parityTable({ cases, parts, pass, executions, folder }: ParityReport): string {
  const ran = Object.entries(executions).map(([name, on]) => `${name}: ${on}`);
  const lines = [
    `Relative errors ‖ours − reference‖ / ‖reference‖ on ${folder}`,
    ...ran,
    "",
    ...named(cases).flatMap(([name, results]) =>
      block(name, results, ({ loss, worstGradient, errors }) => [
        ["loss", loss],
        ...Object.entries(errors?.parts ?? {}),
        ...Object.entries(errors?.outputs ?? {}),
        ["worst gradient", worstGradient],
      ]),
    ),
    ...named(parts).flatMap(([name, results]) =>
      block(name, results, ({ errors }) => {
        const each = Object.entries(errors ?? {});
        if (name !== "adam") return each;
        // Weights are many: show what is over all of them, and the worst of each.
        const summary = each.filter(([label]) => label.includes(" "));
        const weights = Object.fromEntries(each.filter(([label]) => !label.includes(" ")));
        return [...summary, ...largest(weights).map(([, error]): [string, number] => ["worst single weight", error])];
      }),
    ),
    pass ? "pass: everything within 1e-4, gradients within 1e-3" : "FAIL: see above",
  ];
  return `${lines.join("\n")}\n`;
}
