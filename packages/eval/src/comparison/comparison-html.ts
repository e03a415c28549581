import { printProtocol } from "../protocol.js";
import { htmlPage } from "../report/html-page.js";
import { escapeHtml, htmlTable } from "../report/html-text.js";
import { numberText, overText } from "../report/number-text.js";
import type { ComparedTable, Comparison, FigureToCompare, ShownDifference } from "./compare.js";
import * as words from "./comparison-text.js";

const heads = (figures: readonly FigureToCompare[]) =>
  figures.map((figure) => `${escapeHtml(figure.name)} ${words.arrow(figure)}`);

/** A difference in bold where it words.survives adjustment, its p-values below. */
function differenceCell(difference: ShownDifference | undefined, kind: FigureToCompare["kind"]): string {
  if (difference === undefined) return "–";
  const { p, adjustedP, unit, pairs, recordings, overSeeds } = difference;
  const text = words.differenceWithInterval(difference, kind);
  const seeds =
    unit === "clips" ? `<small>over ${overSeeds.n} seeds p ${escapeHtml(words.pText(overSeeds.p))}</small>` : "";
  return `${words.survives(difference) ? `<b>${text}</b>` : text}<small>p ${escapeHtml(words.pText(p))} over ${overText({ count: pairs, unit, recordings })}, Holm ${escapeHtml(words.pText(adjustedP))}</small>${seeds}`;
}

function section(compared: ComparedTable, { figures }: Comparison): string {
  const { title, rows, baselines } = compared;
  const means = htmlTable(
    ["arm", "runs", ...heads(figures)],
    [
      ...rows.map(({ arm, runs, figures: values }) => [
        escapeHtml(arm),
        String(runs),
        ...figures.map(({ key, kind }) => {
          const value = values[key];
          if (value === undefined) return "–";
          const seeds = value.bySeed.map((run) => numberText(run.value, kind).replace(/ (%|dB)$/, "")).join(" · ");
          return `${words.meanText(value, kind)}<small>${seeds}</small>`;
        }),
      ]),
      ["baseline", "", ...figures.map(({ key, kind }) => numberText(baselines[key], kind))],
    ],
    "Mean ± 95 % interval over seeds; each seed below",
  );
  const differences = htmlTable(
    ["arm", ...heads(figures)],
    rows
      .slice(1)
      .map(({ arm, figures: values }) => [
        escapeHtml(arm),
        ...figures.map(({ key, kind }) => differenceCell(values[key]?.difference, kind)),
      ]),
    escapeHtml(words.familyText(compared)),
  );
  const keys = Object.keys(words.costTexts) as (keyof typeof words.costTexts)[];
  const costs = htmlTable(
    ["arm", ...keys.map((key) => words.costNames[key])],
    rows.map(({ arm, cost }) => [
      escapeHtml(arm),
      ...keys.map((key) => (cost === undefined ? "–" : words.costTexts[key](cost[key]))),
    ]),
    "Cost per run, mean over the runs",
  );
  return `<h2>${escapeHtml(title)}</h2>${means}${rows.length < 2 ? "" : differences}${costs}`;
}

/** The comparison as one HTML page that needs no network. */
export function comparisonHtml(comparison: Comparison): string {
  const { title, summary, settings, figures, tables } = comparison;
  const abouts = new Map(tables.flatMap(({ rows }) => rows.map(({ arm, about }) => [arm, about] as const)));
  const measured = htmlTable(
    ["figure", "protocol", "test clips", "left out", "baseline"],
    figures.map(({ name, protocol, evaluated, leftOut, baseline }) =>
      [name, protocol.name, String(evaluated), words.leftOutText(leftOut), baseline].map(escapeHtml),
    ),
  );
  const protocols = new Map(figures.map(({ protocol }) => [protocol.name, protocol]));
  const details = [...protocols.values()].map(
    (protocol) =>
      `<details><summary>${escapeHtml(protocol.name)}</summary><pre>${escapeHtml(printProtocol(protocol))}</pre></details>`,
  );
  const arms = htmlTable(
    ["arm", "what it is"],
    [...abouts].map((line) => line.map(escapeHtml)),
  );
  const notes = words
    .readingNotes(comparison)
    .map(
      (note) => `<li>${escapeHtml(note).replace("† marks", "bold type marks").replace("In brackets", "Below it")}</li>`,
    );
  const pairs = htmlTable(
    ["", ""],
    settings.map((line) => line.map(escapeHtml)),
  );
  return htmlPage({
    title,
    lead: summary === undefined ? "" : `<p>${escapeHtml(summary)}</p>`,
    body: `${arms}
${tables.map((one) => section(one, comparison)).join("\n")}
<h2>How to read it</h2><ul>${notes.join("")}</ul>
<h2>How it was measured</h2>${measured}${details.join("")}
<div class="pairs">${pairs}</div>`,
  });
}
