import { readFile } from "node:fs/promises";
import { expect, vi } from "vitest";
import { runCommandLine } from "./command-line.js";
import type { Changes } from "./pipeline/experiment/change.js";
import type { Experiment } from "./pipeline/experiment/schema.js";

/** Tiny: five clips to learn from, a model of a few thousand numbers. */
export const changes = {
  data: { kind: "synthetic", train: 8, validation: 2, test: 4 },
  model: {
    ...{ preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2 },
    visualLocality: [0, 0.5],
  },
  training: { batch: 4, epochs: 2 },
  visual: { framesPerClip: 2 },
} satisfies Changes<Experiment>;
/** The same on a command line. */
export const set = Object.entries(changes).flatMap(([key, value]) => ["--set", `${key}=${JSON.stringify(value)}`]);

/** Runs a command line as the program does, and returns what it printed on stdout. */
export async function command(...line: string[]): Promise<string> {
  let out = "";
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  expect(await runCommandLine(line)).toBeUndefined();
  vi.restoreAllMocks();
  return out;
}

/** A call of the pipeline must print nothing. */
export async function silent<T>(call: Promise<T>): Promise<T> {
  const [out, err] = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")];
  const result = await call;
  expect(out).not.toHaveBeenCalled();
  expect(err).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  return result;
}

/** Without what differs from run to run. */
export const withoutTimes = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, part) => (/seconds|waited|^(file|files|folder|index|out)$/i.test(key) ? 0 : part)),
  );
/** JSON lines of a file. */
export const lines = async (path: string) =>
  (await readFile(path, "utf8"))
    .trim()
    .split("\n")
    .map((line) => withoutTimes(JSON.parse(line)));
