import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { surveyBackends } from "@kdc-mae/engine";
import { surveyDevices } from "@kdc-mae/engine/node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../command-line.js";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdc-mae-engines-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs a command line as the program does; what it prints to stderr, and the exit code. */
async function failed(...line: string[]): Promise<{ readonly code: number | undefined; readonly err: string }> {
  let err = "";
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  const code = await runCommandLine(line);
  return { code, err };
}

/** Every command that computes, with the least it takes. Each would make or read something if it began. */
const lines = () => [
  ["demo", "--out", at("out"), "--media", at("media")],
  ["pretrain", "demo", "--out", at("out"), "--media", at("media")],
  ["finetune", "demo-finetune", "--init", at("none"), "--out", at("out"), "--media", at("media")],
  ["evaluate", at("none"), "--out", at("out")],
  ["embed", at("none.mp4"), "--model", at("none"), "--out", at("out")],
  ["ablate", "ablation-objectives", "--out", at("out"), "--media", at("media")],
  ["index", folder, "--model", at("none"), "--index", at("out")],
  ["search", at("none.mp4"), "--model", at("none"), "--index", at("out")],
];
const pretrain = (...more: string[]) => failed(...lines()[1], ...more);
const nothingMade = () => expect([existsSync(at("out")), existsSync(at("media"))]).toEqual([false, false]);

describe("a device or backend that is not there", async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const missing = [...(await surveyDevices()), ...(await surveyBackends())].filter(({ usable }) => !usable);
  vi.restoreAllMocks();
  const here = (name: string) => {
    const is = !missing.some((report) => report.name === name);
    if (is) console.info(`skipped: the error for a missing ${name}, which is here`);
    return is;
  };

  it.skipIf(here("cuda"))("cuda", async () => {
    const { code, err } = await pretrain("--device", "cuda");
    expect(err).toMatch(
      /^createSession: ONNX Runtime cannot use the device cuda on this machine.*\. .*; (or )?use --device webgpu or cpu\n$/,
    );
    expect(code).toBe(1);
    nothingMade();
  });

  it.skipIf(here("webgpu"))("webgpu", async () => {
    const { code, err } = await pretrain("--device", "onnxruntime-webgpu");
    expect(err).toMatch(
      /^createSession: ONNX Runtime cannot use the device webgpu on this machine.*\. .*; (or )?use --device .*cpu\n$/,
    );
    expect(code).toBe(1);
    nothingMade();
  });

  it.skipIf(here("tensorflow"))("tfjs-node", async () => {
    vi.stubEnv("KDC_TFJS_NODE", "");
    for (const more of [["--backend", "tensorflow"], []]) {
      const { code, err } = await pretrain("--engine", "eager", ...more);
      expect(err).toMatch(
        /^selectBackend: the tfjs backend tensorflow cannot be used: @tensorflow\/tfjs-node-gpu: .*; @tensorflow\/tfjs-node: .*\. Add @tensorflow\/tfjs-node .* to your project .*; or choose the compiled engine\n$/,
      );
      expect(code).toBe(1);
    }
    nothingMade();
  });

  it("a named tfjs-node that cannot be loaded", async () => {
    vi.stubEnv("KDC_TFJS_NODE", at("nowhere"));
    const { code, err } = await pretrain("--engine", "eager");
    expect(err).toMatch(
      /^KDC_TFJS_NODE=.*nowhere: this tfjs-node cannot be loaded: .* Name the folder of an installed/,
    );
    expect(code).toBe(1);
    // Who does not use it need not mend it.
    expect((await failed("evaluate", at("none"), "--engine", "eager", "--backend", "cpu")).err).toContain(
      "none: there is no such file",
    );
  });
});

describe("bad usage", () => {
  it("a device, backend, engine or number of threads that does not exist", async () => {
    for (const [option, value, said] of [
      ["--device", "tpu", "'tpu' is invalid. Allowed choices are cpu, webgpu, cuda, onnxruntime-webgpu."],
      ["--backend", "torch", "'torch' is invalid. Allowed choices are tensorflow, wasm, cpu."],
      ["--engine", "fast", "'fast' is invalid. Allowed choices are compiled, eager."],
      ["--threads", "many", "'many' is invalid. It must be a whole number of at least 1."],
    ]) {
      const { code, err } = await pretrain(option, value);
      expect(err).toContain(said);
      expect(err).toContain("--help lists the options");
      expect(code).toBe(2);
    }
    nothingMade();
  });

  it("an option that the other engine reads, on every command", async () => {
    for (const line of lines()) {
      const compiled = await failed(...line, "--backend", "cpu");
      expect([line[0], compiled.code, compiled.err]).toEqual([
        line[0],
        2,
        "--backend cpu: only the eager engine uses it, and this run would be compiled. Leave it out, or give --engine eager\n",
      ]);
      const eager = await failed(...line, "--engine", "eager", "--backend", "cpu", "--device", "cpu");
      expect([line[0], eager.code, eager.err]).toEqual([
        line[0],
        2,
        "--device cpu: only the compiled engine uses it, and this run would be eager. Leave it out, or give --engine compiled\n",
      ]);
    }
    const { code, err } = await pretrain("--engine", "eager", "--threads", "3");
    expect([code, err]).toEqual([2, expect.stringMatching(/^--threads 3: only the compiled engine uses it/)]);
    const onCard = await pretrain("--device", "webgpu", "--threads", "3");
    expect([onCard.code, onCard.err]).toEqual([2, expect.stringMatching(/^--threads 3: ONNX Runtime uses it, and/)]);
    nothingMade();
  });
});

describe("what computes", () => {
  it.each([
    [["--engine", "eager", "--backend", "cpu"], "tfjs cpu, float32"],
    [[], "ONNX Runtime, cpu, float32"],
    [["--threads", "1"], "ONNX Runtime, cpu, float32, 1 thread"],
  ])("is said once, in the runtime's own words: %j", async (more, words) => {
    for (const command of ["evaluate", "finetune"]) {
      const line = lines().find(([name]) => name === command);
      const { err } = await failed(...line!, ...more);
      expect([command, err.match(/computes on .*\n/g)]).toEqual([command, [`computes on ${words}\n`]]);
    }
  });
});
