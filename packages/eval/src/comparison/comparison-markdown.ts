import { numberText } from "../report/number-text.js";
import { markdownCell, markdownTable } from "../report/table-text.js";
import type { ComparedTable, Comparison } from "./compare.js";
import * as words from "./comparison-text.js";

function section(compared: ComparedTable, { figures }: Comparison): string {
  const { title, rows, baselines } = compared;
  const means = markdownTable(
    ["arm", "runs", ...figures.map((figure) => `${figure.name} ${words.arrow(figure)}`)],
    [
      ...rows.map(({ arm, runs, figures: values }) => [
        arm,
        String(runs),
        ...figures.map(({ key, kind }) => (values[key] === undefined ? "–" : words.meanText(values[key], kind))),
      ]),
      ["baseline", "", ...figures.map(({ key, kind }) => numberText(baselines[key], kind))],
    ],
  );
  const differences = markdownTable(
    ["arm", ...figures.map((figure) => `${figure.name} ${words.arrow(figure)}`)],
    rows.slice(1).map(({ arm, figures: values }) => [
      arm,
      ...figures.map(({ key, kind }) => {
        const difference = values[key]?.difference;
        if (difference === undefined) return "–";
        const { p, unit, overSeeds } = difference;
        const bracket = unit === "clips" ? ` (${words.pText(overSeeds.p)})` : "";
        return `${words.differenceWithInterval(difference, kind)}, p ${words.pText(p)}${words.survives(difference) ? "†" : ""}${bracket}`;
      }),
    ]),
  );
  const keys = Object.keys(words.costTexts) as (keyof typeof words.costTexts)[];
  const costs = markdownTable(
    ["arm", ...keys.map((key) => words.costNames[key])],
    rows.map(({ arm, cost }) => [
      arm,
      ...keys.map((key) => (cost === undefined ? "–" : words.costTexts[key](cost[key]))),
    ]),
  );
  return [
    `## ${markdownCell(title)}`,
    means,
    ...(rows.length < 2 ? [] : [`${markdownCell(words.familyText(compared))}:`, differences]),
    "Cost per run, mean over the runs:",
    costs,
  ].join("\n\n");
}

/** The comparison as Markdown: a table of means, one of paired differences and one of costs for every request. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { title, summary, settings, tables, figures } = comparison;
  const abouts = new Map(tables.flatMap(({ rows }) => rows.map(({ arm, about }) => [arm, about] as const)));
  const measured = markdownTable(
    ["figure", "protocol", "test clips", "left out", "baseline"],
    figures.map(({ name, protocol, evaluated, leftOut, baseline }) => [
      name,
      protocol.name,
      String(evaluated),
      words.leftOutText(leftOut),
      baseline,
    ]),
  );
  return `${[
    `# ${markdownCell(title)}`,
    ...(summary === undefined ? [] : [markdownCell(summary)]),
    markdownTable(["arm", "what it is"], [...abouts]),
    ...tables.map((one) => section(one, comparison)),
    "## How to read it",
    words
      .readingNotes(comparison)
      .map((note) => `- ${markdownCell(note)}`)
      .join("\n"),
    "## How it was measured",
    measured,
    markdownTable(["", ""], settings),
  ].join("\n\n")}\n`;
}
