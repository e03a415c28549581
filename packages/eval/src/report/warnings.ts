import type { ReportInput } from "./report-input.js";

/** Every result's warnings, each with its task, the same one once. */
export function warningsOf({ retrieval, classification, localization }: ReportInput): readonly string[] {
  const tasks: readonly (readonly [string, readonly string[]])[] = [
    ["Retrieval", retrieval?.warnings ?? []],
    [
      "Classification",
      classification === undefined ? [] : Object.values(classification).flatMap((one) => one.warnings),
    ],
    ["Localization", localization?.warnings ?? []],
  ];
  return [...new Set(tasks.flatMap(([task, warnings]) => warnings.map((warning) => `${task}: ${warning}`)))];
}
