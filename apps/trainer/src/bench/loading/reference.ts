import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { KdcError } from "@kdc-mae/core";

const script = fileURLToPath(new URL("../../../peer/reference_loading.py", import.meta.url));

export type ReferenceTask =
  | { readonly task: "load" | "extract" | "extracted"; readonly files: readonly string[] }
  | { readonly task: "fbank"; readonly times: number };

/** The reference's way of loading, in a Python process that stays, so that its start is not counted. */
export type Reference = {
  readonly torchaudio: string;
  /** Seconds a task took. */
  time(task: ReferenceTask): Promise<number>;
  close(): void;
};

/**
 * @throws KdcError when this Python has no torchaudio, numpy or Pillow
 */
export async function startReference(python: string, ffmpeg: string, processes: number): Promise<Reference> {
  const child = spawn(python, [script, "--ffmpeg", ffmpeg, "--processes", String(processes)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("close", () => reject(new Error(log.trim().split("\n").at(-1) ?? "it ended")));
  });
  failed.catch(() => undefined);
  const next = async (): Promise<Record<string, never>> => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    return done ? failed : JSON.parse(value);
  };
  try {
    const { torchaudio } = await next();
    return {
      torchaudio,
      time: async (task) => {
        child.stdin.write(`${JSON.stringify(task)}\n`);
        return (await next()).seconds;
      },
      close: () => child.stdin.end(),
    };
  } catch (cause) {
    throw new KdcError({
      where: "bench-data reference",
      what: `${python} could not run it: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: "Give a Python that has torchaudio, numpy and Pillow with --python",
      reason: "no-torchaudio",
      cause,
    });
  }
}
