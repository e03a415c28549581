import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BenchOptions, bench } from "./bench.js";

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
    expect(rows).toMatchObject([{ engine: "pytorch", seconds: 2.5, repetitions: 2, peakBytes: 2000 }]);
    expect(missing["pytorch bfloat16 embed"]).toContain("no bfloat16 here. Give a Python that has torch");
  });

  it("is ended by the signal with what there is", async () => {
    const controller = new AbortController();
    const { rows } = await bench(
      options("asked", { signal: controller.signal, onRow: () => controller.abort(), works: [...works, ...works] }),
    );
    expect(rows).toHaveLength(1);
  });

  it("asks PyTorch for the device and the attention it was told, and for the dtypes alone that were", async () => {
    const { rows } = await bench(options("asked", { dtypes: ["bfloat16"] }));
    expect(rows.map(({ dtype }) => dtype)).toEqual(["bfloat16"]);
    expect(await readFile(join(folder, "asked.txt"), "utf8")).toContain(
      "--dtype bfloat16 --device cuda --attention fused",
    );
  });
});
