import { existsSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "@kdc-mae/core/node";
import { isCut } from "../run/run-folder.js";
import type { RunLogger, RunRecord } from "./run-logger.js";

/** The run's own log of all that happens in it, a line each. */
export const EVENTS = "events.jsonl";

/** Writes {@link EVENTS} in a run's folder. */
export function eventsFile(folder: string): RunLogger {
  const path = join(folder, EVENTS);
  let isFirst = true;
  return {
    name: path,
    begin: () => undefined,
    async log(record) {
      try {
        const end = isFirst && (await isCut(path)) ? "\n" : "";
        isFirst = false;
        await appendFile(path, `${end}${JSON.stringify(record)}\n`);
      } catch (error) {
        throw fileError("write", path, error);
      }
    },
    close: () => undefined,
  };
}

/** Records of a text of lines; those cut short by a kill are passed over. */
export const recordsIn = (text: string): RunRecord[] =>
  text.split("\n").flatMap((line) => {
    try {
      const record = JSON.parse(line);
      return typeof record === "object" && record !== null && typeof record.kind === "string" ? [record] : [];
    } catch {
      return [];
    }
  });

/**
 * What a run's own log holds, without what was undone: a run that went on from an earlier step, after a kill or a loss that
 * jumped, made the steps after it again.
 */
export async function readEvents(folder: string): Promise<RunRecord[]> {
  const path = join(folder, EVENTS);
  return existsSync(path) ? undone(recordsIn(await readFile(path, "utf8"))) : [];
}

/** Records without those of steps that were made again. */
export function undone(records: readonly RunRecord[]): RunRecord[] {
  const kept: RunRecord[] = [];
  for (const record of records) {
    if (record.kind === "begin" || record.kind === "back") {
      while (kept.length > 0 && kept[kept.length - 1].step > record.step) kept.pop();
    }
    kept.push(record);
  }
  return kept;
}
