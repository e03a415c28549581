import { type CompiledProgram, programOf } from "../compile/compile.js";
import type { Cut } from "../compile/cut.js";
import type { OnnxGraph } from "../compile/graph.js";
import { inTwoOn } from "../compile/in-two.js";
import type { KernelRules } from "../compile/kernel-rule.js";
import { roundProducts } from "../compile/round-products.js";
import { type Trace, trace } from "../compile/trace.js";
import type { Hosted } from "../run/program.js";
import type { Execute } from "../run/runtime.js";
import { type OpenSessionInTwo, openHalves } from "../run/session.js";
import { createSession, type SessionOptions } from "./node-session.js";
import { createThreadSession, createThreadSessionInTwo, threadFile } from "./session-thread.js";

/** Settings of a compiled program: those of its session, and kernel rules. */
export type CompileOptions = SessionOptions & {
  /** Kernel rules for this program, before the table. */
  readonly rules?: KernelRules;
  /**
   * `mixed` rounds the factors of products to half precision, as a card does: slower here, and for tests of how a training
   * takes it. `float32` unless given.
   */
  readonly precision?: "float32" | "mixed";
};

/**
 * Makes an ONNX Runtime program of a traced function, traced as it is or changed after (`bind`, `weightsInt8`, …).
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { spec, trace } from "@kdc-mae/engine";
 * import { createProgram } from "@kdc-mae/engine/node";
 * import { exp, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const program = await createProgram(trace((x: Tensor1D) => exp(x), spec([3])));
 * const result = await program.run(float32([3], Float32Array.of(0, 1, 2))); // [3]
 * await program.dispose();
 * ```
 */
export function createProgram<I, O>(traced: Trace<I, O>, options: SessionOptions = {}): Promise<CompiledProgram<I, O>> {
  return programOf(traced, (graph) => createSession(graph, options));
}

/**
 * Compiles a tfjs function, gradients included, to one ONNX Runtime session.
 * Truth values leave a program as int32 zeros and ones.
 *
 * @param fn any synchronous tfjs function from a tree of tensors to a tree of tensors
 * @param example a tree shaped like the inputs; values are not read
 * @throws KdcError as `trace` does, and when the device is missing
 */
export async function compile<I, O>(
  fn: (inputs: I) => O,
  example: Hosted<I>,
  options: CompileOptions = {},
): Promise<CompiledProgram<I, O>> {
  return createProgram(traced(fn, example, options), options);
}

const rounding = ({ precision }: CompileOptions): ((graph: OnnxGraph) => OnnxGraph) =>
  precision === "mixed" ? roundProducts : (graph) => graph;

function traced<I, O>(fn: (inputs: I) => O, example: Hosted<I>, options: CompileOptions): Trace<I, O> {
  const made = trace(fn, example, options.rules);
  return { ...made, graph: rounding(options)(made.graph) };
}

/** What can be told to a thread: kernel rules are functions. */
const sessionOptions = ({ rules: _, ...options }: CompileOptions): SessionOptions => options;

/**
 * Runs functions compiled, on ONNX Runtime. Training steps are computed on a thread of their own (`apart`), so that the
 * caller's hears signals and timers meanwhile.
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { compiled } from "@kdc-mae/engine/node";
 * import { exp, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const program = await compiled()((x: Tensor1D) => exp(x), float32([3]));
 * const result = await program.run(float32([3], Float32Array.of(0, 1, 2)));
 * ```
 */
export function compiled(options: CompileOptions = {}): Execute {
  const { device = "cpu", precision, threads } = options;
  const rounds = precision === "mixed" ? "products rounded as in mixed precision" : "float32";
  const halves = (open: OpenSessionInTwo) => inTwoOn(open, options.rules, rounding(options));
  const here = (cut: Cut) => openHalves(cut, (half) => createSession(half, options));
  const execute = Object.assign(<I, O>(fn: (inputs: I) => O, example: Hosted<I>) => compile(fn, example, options), {
    ...{ precision, inTwo: halves(here) },
    on: `ONNX Runtime, ${device}, ${rounds}${threads === undefined ? "" : `, ${threads} ${threads === 1 ? "thread" : "threads"}`}`,
  });
  // On other devices nothing was tried; run from sources that were not built, there is no program for a thread.
  if (device !== "cpu" || threadFile === undefined) return execute;
  const apart: Execute = (fn, example) =>
    programOf(traced(fn, example, options), (graph) => createThreadSession(graph, sessionOptions(options)));
  const inTwo = halves((cut) => createThreadSessionInTwo(cut, sessionOptions(options)));
  return Object.assign(execute, { apart: Object.assign(apart, { inTwo }) });
}
