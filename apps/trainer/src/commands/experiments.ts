import { alignedTable } from "@kdc-mae/eval/report";
import type { Command } from "commander";
import { experimentJsonSchema, type ListedExperiment, listExperiments } from "../pipeline/experiment/list.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";

/** Adds `experiments`: what there is to run, and what came out of it. */
export function addExperimentsCommand(program: Command): void {
  program
    .command("experiments")
    .description("list experiments: those that ship, and those in the files of a folder, with command, time and result")
    .argument("[folder]", "a folder of .json, .ts or .mjs experiments", "experiments")
    .option("--json", "print the list as JSON")
    .option("--schema", "print the JSON schema of experiment files, for editors")
    .addHelpText(
      "after",
      "\nExamples:\n  kdc-mae experiments\n  kdc-mae experiments --schema > experiment.schema.json\n",
    )
    .action((folder: string, { json = false, schema = false }: { json?: boolean; schema?: boolean }) =>
      atTerminal(async () => {
        const said = schema ? experimentJsonSchema() : await listExperiments(folder);
        if (json || schema) print(`${JSON.stringify(said, null, 2)}\n`);
        else print(`${asText(said as readonly ListedExperiment[])}\n`);
      }),
    );
}

const asText = (listed: readonly ListedExperiment[]): string => {
  const rows = listed.map(({ name, kind, from, notes, problem }) => [
    name,
    `kdc-mae ${kind}`,
    from,
    timeOf(notes, problem),
  ]);
  const results = listed.flatMap(({ name, notes }) =>
    notes === undefined ? [] : [`\n${name}: ${notes.command}`, ...measuredLines(notes.measured)],
  );
  return [alignedTable([["name", "runs with", "from", "takes"], ...rows]), ...results].join("\n");
};

const timeOf = (notes: ListedExperiment["notes"], problem: string | undefined): string =>
  problem === undefined ? (notes?.expectedTime ?? "") : `cannot be used: ${problem}`;

const measuredLines = (measured: Readonly<Record<string, string | number>> | null | undefined): readonly string[] =>
  measured === null || measured === undefined
    ? ["  not measured yet"]
    : Object.entries(measured).map(([figure, value]) => `  ${figure}: ${value}`);
