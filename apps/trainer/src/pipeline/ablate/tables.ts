import { join } from "node:path";
import { makeFolder, writeWhole } from "@kdc-mae/core/node";
import { type Comparison, compareArms, type FigureToCompare } from "@kdc-mae/eval";
import { comparisonCsv, comparisonHtml, comparisonMarkdown } from "@kdc-mae/eval/report";
import { type Arms, aboutArm } from "./arms.js";
import type { Outcome } from "./outcome.js";
import type { PlannedRun } from "./plan.js";
import type { Scored } from "./run-one.js";
import type { CheckedAblation } from "./schema.js";

/** A planned run with what it left. */
export type FinishedRun = { readonly run: PlannedRun; readonly outcome: Outcome };

const unique = (values: readonly string[]): string => [...new Set(values)].join("; ");

/** Figures that were not measured alike in all runs: their differences are not to be believed. */
function unlike(finished: readonly FinishedRun[], specs: readonly FigureToCompare[]): readonly string[] {
  return specs.flatMap(({ key, name }) => {
    const found = finished.flatMap(({ outcome }) => outcome.figures.filter((figure) => figure.key === key));
    const ways = new Set(found.map(({ protocol }) => protocol.name + protocol.notes.join()));
    const counts = new Set(found.map(({ evaluated }) => evaluated));
    return [
      ...(ways.size > 1
        ? [`${name} was not measured alike in all runs (${ways.size} protocols): do not compare it.`]
        : []),
      ...(counts.size > 1 ? [`${name} was measured on different numbers of clips: ${[...counts].join(", ")}.`] : []),
    ];
  });
}

/** What a table says of how its runs were made. */
type Settings = { readonly settings: readonly (readonly [string, string])[]; readonly scored?: Scored };

/** The ablation's finished runs side by side. */
export function compareRuns(
  ablation: CheckedAblation,
  { base, arms }: Arms,
  seeds: readonly number[],
  finished: readonly FinishedRun[],
  { settings, scored = "test" }: Settings,
): Comparison {
  const specs = finished[0]?.outcome.figures ?? [];
  return compareArms({
    title: ablation.name,
    summary: ablation.summary,
    settings: [
      ...settings,
      [
        "seeds",
        `${seeds.join(", ")}: initial weights, masks, pictures and order; synthetic clips are those of the base's seed`,
      ],
      ["engine", unique(finished.map(({ outcome }) => outcome.engine))],
      ["machine", unique(finished.map(({ outcome }) => outcome.machine))],
    ],
    seeds,
    figures: specs,
    arms: arms.map((arm) => ({
      name: arm.spec.name,
      about: aboutArm(arm, base),
      runs: finished.filter(({ run }) => run.arms.includes(arm.spec.name)).map(({ outcome }) => outcome.run),
    })),
    tables: ablation.comparisons ?? [{ title: "All arms", arms: arms.map(({ spec }) => spec.name) }],
    notes: [
      ...(scored === "test"
        ? []
        : [`Figures are of ${scored} clips, for choices to be made by; the test clips were not looked at.`]),
      ...new Set(finished.flatMap(({ outcome: { near } }) => (near === undefined ? [] : [`${near}.`]))),
      ...unlike(finished, specs),
    ],
  });
}

/** Writes table.md, table.csv, table.html and table.json; returns the path of the Markdown. */
export async function writeTables(folder: string, comparison: Comparison): Promise<string> {
  await makeFolder(folder);
  await writeWhole(join(folder, "table.md"), comparisonMarkdown(comparison));
  await writeWhole(join(folder, "table.csv"), comparisonCsv(comparison));
  await writeWhole(join(folder, "table.html"), comparisonHtml(comparison));
  await writeWhole(join(folder, "table.json"), `${JSON.stringify(comparison, null, 2)}\n`);
  return join(folder, "table.md");
}
