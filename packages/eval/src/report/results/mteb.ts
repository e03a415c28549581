import { overOf } from "../../figures.js";
import type { Results } from "./results.js";
import type { ResultSection } from "./section.js";

type Figure = ResultSection["figures"][number];

const keyOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/r@(\d+)/g, "recall_at_$1")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_|_$/g, "");

const endsOf = (interval: Figure["interval"]) => (interval === undefined ? null : [interval.low, interval.high]);

/** Every group's scores with their intervals and numbers of clips; the gaps beside them. */
const groupsOf = ({ by, figures, leftOut }: NonNullable<ResultSection["groups"]>) => ({
  by,
  left_out: leftOut,
  scores: Object.fromEntries(
    figures.map(({ name, groups, gap }) => [
      keyOf(name),
      {
        groups: Object.fromEntries(
          groups.map(({ group, clips, recordings, value, interval }) => [
            group,
            {
              ...{ score: value, interval: endsOf(interval), effective_n: clips },
              ...(recordings === undefined ? {} : { recordings }),
            },
          ]),
        ),
        largest_gap: gap ?? null,
      },
    ]),
  ),
});

const known = ({ value }: Figure): boolean => value !== null && Number.isFinite(value);

/**
 * Results in the shape of MTEB's result files (`task_name`, `scores` by split, `main_score`), so that what reads those
 * reads these; beside each score stand its interval, what that resamples and how many (`interval_over`), and on how many clips
 * the task is (`effective_n`), which MTEB has no place for. The tasks are ours, under our protocols: their names are no tasks of MTEB.
 */
export function resultsMteb({ about, sections }: Results, split: string): string {
  const model = new Map(about).get("model") ?? null;
  const tasks = sections.map((section) => {
    const { protocol, evaluated, leftOut, figures, warnings, groups } = section;
    const scored = figures.filter(known);
    const of = <T>(value: (figure: Figure) => T) =>
      Object.fromEntries(scored.map((figure) => [keyOf(figure.name), value(figure)]));
    return {
      task_name: protocol.name,
      mteb_version: null,
      dataset_revision: null,
      evaluation_time: null,
      kg_co2_emissions: null,
      scores: {
        [split]: [
          {
            hf_subset: "default",
            languages: [],
            // The first figure, and no other in its place where it does not exist.
            main_score: figures[0] !== undefined && known(figures[0]) ? figures[0].value : null,
            ...of(({ value }) => value),
            intervals: of(({ interval }) => endsOf(interval)),
            baselines: of(({ baseline }) => baseline?.value ?? null),
            effective_n: evaluated,
            interval_over: of((figure) => overOf(figure, section)),
            left_out: leftOut,
            ...(groups === undefined ? {} : { groups: groupsOf(groups) }),
          },
        ],
      },
      protocol,
      warnings,
    };
  });
  return `${JSON.stringify({ model, tasks }, null, 2)}\n`;
}
