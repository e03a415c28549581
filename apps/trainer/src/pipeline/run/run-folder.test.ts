import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LogEntry, openRunFolder } from "./run-folder.js";

let path: string;
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "kdc-mae-run-folder-"));
});
afterAll(() => rm(path, { recursive: true }));

const entry = (epoch: number, total: number): LogEntry => ({
  ...{ epoch, step: epoch + 1, learningRate: 0.1, seconds: 1 },
  losses: { total },
});

describe("a run's log", () => {
  it("loses only the line that a kill cut, wherever it was cut", async () => {
    const folder = await openRunFolder(path, { name: "log" });
    const log = folder.file("log.jsonl");
    const line = `${JSON.stringify(entry(1, 2))}\n`;
    for (let length = 1; length < line.length; length += 7) {
      await writeFile(log, "");
      await folder.log(entry(0, 3));
      await appendFile(log, line.slice(0, length));
      await folder.log(entry(1, 1));
      await folder.log(entry(2, 0.5));
      expect((await folder.readLog()).map(({ epoch, losses }) => [epoch, losses.total])).toEqual([
        [0, 3],
        [1, 1],
        [2, 0.5],
      ]);
    }
    expect((await readFile(log, "utf8")).endsWith("}\n")).toBe(true);
  });
});
