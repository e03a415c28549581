import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type BenchOptions, bench } from "./bench.js";
import type { Timed } from "./timed.js";

let folder = "";
const python = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-bench-"));
  const write = async (name: string, script: string) => {
    await writeFile(python(name), `#!/bin/sh\n${script}\n`);
    await chmod(python(name), 0o755);
  };
  // Two of three repetitions, and then nothing more; bfloat16 is not to be had; it says what it was asked for.
  await write(
    "slow",
    `case "$*" in *bfloat16*) echo "no bfloat16 here" >&2; exit 1;; esac
echo '{"seconds":[1.5],"peakBytes":1000}'
echo '{"seconds":[1.5,2.5],"peakBytes":2000}'
touch ${join(folder, "sleeps")}
exec sleep 60`,
  );
  await write(
    "asked",
    `echo "{\\"seconds\\":[1],\\"peakBytes\\":1,\\"asked\\":1}"; echo "$*" > ${join(folder, "asked.txt")}`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const works = [{ task: "embed", size: "tiny", batch: 2, steps: 3, warmup: 1 }] as const;
const options = (name: string, more: Partial<BenchOptions> = {}): BenchOptions => ({
  ...{ engines: ["pytorch"], works, device: "cpu", limit: 2 },
  peer: { python: python(name), device: "cuda", attention: "fused" },
  ...more,
});

describe("bench", () => {
  it("tells rows as they come, and keeps what a peer finished before its time was up", async () => {
    const said: string[] = [];
    const { rows, missing } = await bench(
      options("slow", {
        // From the sources there is no worker to run: an engine that fails leaves the others alone.
        engines: ["tfjs-node", "pytorch"],
        onRow: ({ engine, dtype }) => said.push(`${engine} ${dtype}`),
        onMissing: (what) => said.push(`not ${what}`),
      }),
    );
    expect(said).toEqual(["not tfjs-node float32 embed", "pytorch float32", "not pytorch bfloat16 embed"]);
    expect(rows).toMatchObject([{ engine: "pytorch", seconds: 2, repetitions: 2, peakBytes: 2000 }]);
    expect(missing["pytorch bfloat16 embed"]).toContain("no bfloat16 here. Give a Python that has torch");
  });

  it("says of a row of mixed precision what it is", async () => {
    const mixed = works.map((work) => ({ ...work, precision: "mixed" as const }));
    const asked = { engines: ["compiled", "tfjs-node"] as const, device: "webgpu" as const, works: mixed };
    const { missing } = await bench(options("asked", asked));
    expect(Object.keys(missing)).toEqual(["compiled mixed embed", "tfjs-node float32 embed"]);
    expect(Object.keys((await bench(options("asked", { ...asked, dtypes: ["mixed"] }))).missing)).toEqual([
      "compiled mixed embed",
    ]);
  });

  it("is ended by the signal with what there is", async () => {
    const controller = new AbortController();
    const { rows, missing } = await bench(
      options("asked", { signal: controller.signal, onRow: () => controller.abort() }),
    );
    expect(rows).toHaveLength(1);
    expect(missing).toEqual({ "pytorch bfloat16 embed": "it was not reached" });
  });

  it("gives what PyTorch had finished when it is ended by the signal", async () => {
    const controller = new AbortController();
    await rm(join(folder, "sleeps"), { force: true });
    const ended = bench(options("slow", { signal: controller.signal, dtypes: ["float32"], limit: 50 }));
    // Two are written before it sleeps.
    await vi.waitFor(() => expect(existsSync(join(folder, "sleeps"))).toBe(true), 50_000);
    controller.abort();
    expect((await ended).rows).toMatchObject([{ seconds: 2, repetitions: 2 }]);
  });

  it("asks PyTorch for the device and the attention it was told, and for the dtypes alone that were", async () => {
    const { rows } = await bench(options("asked", { dtypes: ["bfloat16"] }));
    expect(rows.map(({ dtype }) => dtype)).toEqual(["bfloat16"]);
    expect(await readFile(join(folder, "asked.txt"), "utf8")).toContain(
      "--dtype bfloat16 --device cuda --attention fused",
    );
  });
});

const built = new URL("../../dist/bench/bench.js", import.meta.url);
const isBuilt = existsSync(built);
if (!isBuilt) console.info("skipped: the packages are not built, so no engine runs in a process of its own");

describe.skipIf(!isBuilt)("an engine in a process of its own", { timeout: 120_000 }, () => {
  const apart = async (
    many: { readonly steps: number; readonly warmup: number },
    isEnough: (soFar: Timed) => boolean,
  ) => {
    const { bench: ownBench } = (await import(built.href)) as { readonly bench: typeof bench };
    const controller = new AbortController();
    const work = { size: "tiny", batch: 1, ...many } as const;
    return ownBench({
      ...{ engines: ["compiled"], dtypes: ["float32"], device: "cpu", limit: 100, signal: controller.signal },
      ...{
        works: [
          { ...work, task: "embed" },
          { ...work, task: "pretrain-step" },
        ],
      },
      peer: { python: "none", device: "cpu", attention: "fused" },
      onRepetition: (_, soFar) => isEnough(soFar) && controller.abort(),
    });
  };

  it("that is stopped gives the timed repetitions it had finished, and what was not reached is missing", async () => {
    const { rows, missing } = await apart({ steps: 1_000_000, warmup: 1 }, ({ seconds }) => seconds.length === 3);
    expect(rows).toMatchObject([{ engine: "compiled", task: "embed", seconds: expect.any(Number) }]);
    expect(rows[0].repetitions).toBeGreaterThanOrEqual(3);
    expect(rows[0].building).toBeGreaterThan(0);
    expect(missing).toEqual({ "compiled float32 pretrain-step": "it was not reached" });
  });

  it("that is stopped before one was timed is missing, with what it took", async () => {
    const { rows, missing } = await apart({ steps: 1, warmup: 1_000_000 }, ({ untimed }) => untimed.length === 2);
    expect(rows).toEqual([]);
    expect(missing).toEqual({
      "compiled float32 embed": expect.stringMatching(
        /^it was stopped before a timed repetition was done; untimed ones took \d+\.\d s, \d+\.\d s/,
      ),
      "compiled float32 pretrain-step": "it was not reached",
    });
  });
});
