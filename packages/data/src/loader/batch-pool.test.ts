import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleRecipe } from "../make-sample.js";
import { batchPool } from "./batch-pool.js";
import { frontEnd } from "./small-set.test.support.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-pool-"));
});
afterAll(() => rm(folder, { recursive: true }));

const recipe: SampleRecipe = { frontEnd, augment: {}, picture: 0, smoothing: 0 };
/** A worker that answers with the first job's stream, and dies of some of them. */
const program = async (name: string, deadly: string) => {
  const file = join(folder, name);
  await writeFile(
    file,
    `import { existsSync, writeFileSync } from "node:fs";
     import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ number, jobs: [job] }) => {
       ${deadly}
       parentPort.postMessage({ number, made: { patches: {}, pictures: [Number(job.stream)] } });
     });`,
  );
  return file;
};
const jobs = (stream: number) => [
  { stream: String(stream), of: { bytes: new Uint8Array(3), where: "shard-7.tar", labels: [] } },
];
const numbers = Array.from({ length: 13 }, (_, index) => index);

describe("batchPool", () => {
  it("replaces a worker that dies and makes its batches again", async () => {
    const once = JSON.stringify(join(folder, "died"));
    const file = await program(
      "once.mjs",
      `if (job.stream === "5" && !existsSync(${once})) { writeFileSync(${once}, ""); process.exit(9); }`,
    );
    const pool = batchPool(recipe, 2, file);
    const made = await Promise.all(numbers.map((number) => pool.make(jobs(number))));
    expect(made.flatMap(({ pictures }) => pictures)).toEqual(numbers);
    await pool.close();
  });

  it("fails in words when a batch kills two, and goes on with the others", async () => {
    const pool = batchPool(
      recipe,
      1,
      await program("always.mjs", `if (job.stream === "5") throw new Error("out of memory");`),
    );
    const ends = await Promise.allSettled(numbers.map((number) => pool.make(jobs(number))));
    const failed = ends.flatMap((end, index) => (end.status === "rejected" ? [[index, end.reason.message]] : []));
    expect(failed.map(([index]) => index)).toContain(5);
    expect(failed[0][1]).toContain(
      "loader, at shard-7.tar: its worker died (out of memory). Check whether memory ran out",
    );
    expect(failed.length).toBeLessThan(3);
    await pool.close();
  });

  it("ends what waits when it is closed", async () => {
    const pool = batchPool(recipe, 1, await program("slow.mjs", "return;"));
    const waiting = pool.make(jobs(1)).catch((error) => error.message);
    await pool.close();
    expect(await waiting).toContain("the loader was closed");
  });
});
