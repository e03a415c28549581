import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SampleRecipe } from "../make-sample.js";
import { workerPool } from "./sample-pool.js";
import { frontEnd } from "./small-set.test.support.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-pool-"));
});
afterAll(() => rm(folder, { recursive: true }));

const recipe: SampleRecipe = { frontEnd, augment: {}, picture: 0, smoothing: 0 };
/** A worker that answers with the job's stream, and dies of some of them. */
const program = async (name: string, deadly: string) => {
  const file = join(folder, name);
  await writeFile(
    file,
    `import { existsSync, writeFileSync } from "node:fs";
     import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ number, job }) => {
       ${deadly}
       const data = new Float32Array(1);
       parentPort.postMessage({ number, made: { audio: { data }, visual: { data }, picture: Number(job.stream) } });
     });`,
  );
  return file;
};
const job = (stream: number) => ({
  stream: String(stream),
  bytes: new Uint8Array(3),
  where: "shard-7.tar",
  labels: [],
});
const numbers = Array.from({ length: 13 }, (_, index) => index);

describe("workerPool", () => {
  it("replaces a worker that dies and does its jobs again", async () => {
    const once = JSON.stringify(join(folder, "died"));
    const file = await program(
      "once.mjs",
      `if (job.stream === "5" && !existsSync(${once})) { writeFileSync(${once}, ""); process.exit(9); }`,
    );
    const pool = workerPool(recipe, 2, file);
    const made = await Promise.all(numbers.map((number) => pool.make(job(number))));
    expect(made.map(({ picture }) => picture)).toEqual(numbers);
    await pool.close();
  });

  it("fails in words when a job kills two, and goes on with the others", async () => {
    const pool = workerPool(
      recipe,
      1,
      await program("always.mjs", `if (job.stream === "5") throw new Error("out of memory");`),
    );
    const ends = await Promise.allSettled(numbers.map((number) => pool.make(job(number))));
    const failed = ends.flatMap((end, index) => (end.status === "rejected" ? [[index, end.reason.message]] : []));
    expect(failed.map(([index]) => index)).toContain(5);
    expect(failed[0][1]).toContain(
      "loader, at shard-7.tar: its worker died (out of memory). Look whether memory ran out",
    );
    expect(failed.length).toBeLessThan(3);
    await pool.close();
  });

  it("ends what waits when it is closed", async () => {
    const pool = workerPool(recipe, 1, await program("slow.mjs", "return;"));
    const waiting = pool.make(job(1)).catch((error) => error.message);
    await pool.close();
    expect(await waiting).toContain("the loader was closed");
  });
});
