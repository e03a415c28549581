import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { float32, int32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programOf } from "../compile/compile.js";
import { trace } from "../compile/trace.js";
import type { Program } from "../run/program.js";
import { compiled } from "./compile.js";
import { createThreadSession, threadFile } from "./session-thread.js";

type Inputs = { a: tf.Tensor2D; i: tf.Tensor1D };
const fn = ({ a, i }: Inputs) => ({ sum: tf.add(tf.exp(a), tf.cast(i, "float32")), odd: tf.equal(tf.mod(i, 2), 1) });
const inputs = () => ({
  a: float32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
  i: int32([3], Int32Array.of(1, 2, 3)),
});

if (threadFile === undefined)
  process.stdout.write("skipped: the engine is not built, so there is no thread to start\n");
describe.skipIf(threadFile === undefined)("a session on a thread of its own", () => {
  const execute = compiled({ threads: 1 });
  let program: Program<Inputs, ReturnType<typeof fn>>;
  beforeAll(async () => {
    program = await execute.apart!(fn, inputs());
  });
  afterAll(() => program.dispose());

  it("gives the same bits, run after run, into arrays it was given before or new ones", async () => {
    const here = await execute(fn, inputs());
    const given = inputs();
    let into = await program.run(given);
    for (const value of [7, 8, 9]) {
      given.a.data[0] = value;
      given.i.data[1] = value;
      const wanted = await here.run(given);
      into = await program.run(given, into);
      expect(into).toEqual(wanted);
      expect(await program.run(given)).toEqual(wanted);
    }
    expect([...given.a.data]).toEqual([9, 2, 3, 4, 5, 6]);
    await here.dispose();
  });

  it("runs in two halves: what goes between them stays there, and a failure between them loses nothing", async () => {
    type Early = { readonly a: tf.Tensor2D };
    type Late = { readonly g: tf.Tensor2D };
    const halves = ({ early: { a }, late: { g } }: { early: Early; late: Late }) => {
      const made = tf.exp(a);
      return { first: tf.sum(made), second: { down: tf.mul(tf.mul(g, made), a) } };
    };
    const [a, g] = [inputs().a, float32([2, 3], Float32Array.of(1, 0, 1, 0, 1, 0))];
    const [here, there] = [execute.inTwo!, execute.apart!.inTwo!];
    const [one, other] = [
      await here.program(halves, { early: { a }, late: { g } }),
      await there.program(halves, { early: { a }, late: { g } }),
    ];
    let [first, second] = [await other.first({ a }), await other.second({ g })];
    for (const value of [7, 8, 9]) {
      a.data[0] = value;
      g.data[1] = value;
      first = await other.first({ a }, first);
      expect(first).toEqual(await one.first({ a }));
      for (const made of [one, other]) {
        await expect(made.second({ g: float32([3, 2]) })).rejects.toThrow(
          "the input late.g has shape [3, 2], not [2, 3]",
        );
      }
      second = await other.second({ g }, second);
      expect(second).toEqual(await one.second({ g }));
    }
    // A step may be given up between the two.
    await other.first({ a });
    await other.first({ a });
    expect(await other.second({ g })).toEqual(second);
    for (const made of [one, other]) await made.dispose();
  });

  it("leaves the calling thread to others while it computes", async () => {
    const size = 600;
    const power = ({ x }: { x: tf.Tensor2D }) => {
      let product = x;
      for (let times = 0; times < 60; times++) product = tf.mul(tf.matMul(product, x), 1 / size);
      return product;
    };
    const x = float32([size, size], new Float32Array(size * size).fill(1));
    const long = await execute.apart!(power, { x });
    let [turns, isDone] = [0, false];
    const pending = long.run({ x }).then((result) => {
      isDone = true;
      return result;
    });
    while (!isDone) {
      await sleep(1);
      turns += 1;
    }
    expect((await pending).data[0]).toBeCloseTo(1, 4);
    // A few at most where it computes on this one.
    expect(turns).toBeGreaterThan(10);
    await long.dispose();
  });

  it("goes on after inputs and results that do not fit, which it names", async () => {
    const made = await program.run(inputs());
    await expect(program.run({ ...inputs(), a: float32([3, 2]) })).rejects.toThrow(
      "program.run: the input a has shape [3, 2], not [2, 3]. Pass a as float32",
    );
    await expect(program.run(inputs(), { ...made, sum: float32([6]) })).rejects.toThrow(
      "the output sum has shape [6], not [2, 3]",
    );
    expect((await program.run(inputs())).sum.data[0]).toBeCloseTo(Math.E + 1, 5);
  });

  it("says so where the thread ends, and other threads go on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kdc-mae-thread-"));
    const file = join(folder, "ends.mjs");
    await writeFile(
      file,
      'import { parentPort } from "node:worker_threads"; parentPort.once("message", () => process.exit(3));',
    );
    const traced = trace(fn, inputs());
    const opened = await programOf(traced, (graph) => createThreadSession(graph, {}, file)).catch(String);
    expect(opened).toContain("the thread of ONNX Runtime: it came to an end (code 3). Check whether memory ran out");
    expect(await program.run(inputs())).toMatchObject({ odd: { data: Int32Array.of(1, 0, 1) } });
    await rm(folder, { recursive: true });
  });

  it("is disposed of after its thread ended, and says of every later run what happened", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kdc-mae-thread-"));
    const file = join(folder, "ends-later.mjs");
    await writeFile(
      file,
      `import { parentPort } from "node:worker_threads";
      parentPort.on("message", ({ number, run }) => run ? process.exit(4) : parentPort.postMessage({ number }));`,
    );
    const opened = await programOf(trace(fn, inputs()), (graph) => createThreadSession(graph, {}, file));
    for (const _ of ["while it computes", "long after"]) {
      await expect(opened.run(inputs())).rejects.toMatchObject({ reason: "worker-died" });
    }
    await opened.dispose();
    await rm(folder, { recursive: true });
  });
});

/** What ONNX Runtime would collect it takes from a long command line by a regular expression that ends the process. */
describe.skipIf(threadFile === undefined)("a command line of thousands of files", () => {
  const program = (how: string) => `(async () => {
    const { compiled } = await import("./dist/node.js");
    const tf = await import("@tensorflow/tfjs-core");
    const execute = compiled({ threads: 1 });
    const a = { shape: [2], dtype: "float32", data: Float32Array.of(1, 2) };
    const made = await ${how}(({ a }) => tf.add(a, 1), { a });
    process.stdout.write(String((await made.run({ a })).data) + " " + process.env.ORT_DISABLE_TELEMETRY);
    await made.dispose();
  })()`;
  const files = Array.from({ length: 3000 }, (_, at) => `films/of-mine-${at}.mp4`);
  // A variable CI turns it off as well.
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ...env } = process.env;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));

  const printed = async (script: string, own: NodeJS.ProcessEnv = {}) => {
    const options = { cwd, env: { ...env, ...own } };
    return (await promisify(execFile)(process.execPath, ["-e", script, ...files], options)).stdout;
  };

  it.each(["execute", "execute.apart"])("is as good as a short one to %s, for nothing is collected", async (how) => {
    expect(await printed(program(how))).toBe("2,3 1");
  });

  it("is so where the variable is set to nothing, and in a thread that shares the environment", async () => {
    expect(await printed(program("execute"), { ORT_DISABLE_TELEMETRY: "" })).toBe("2,3 1");
    const thread = `const { SHARE_ENV, Worker } = require("node:worker_threads");
      new Worker(${JSON.stringify(program("execute"))}, { eval: true, env: SHARE_ENV });`;
    expect(await printed(thread)).toBe("2,3 1");
  });
});
