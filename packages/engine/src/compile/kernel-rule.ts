import type { GraphBuilder, Value } from "./graph-builder.js";

/** One call of a tfjs kernel while a function is traced. */
export type KernelCall = {
  readonly kernel: string;
  /** Inputs by the name tfjs gives them (`x`, `a`, `b`, …). */
  readonly inputs: Readonly<Record<string, Value>>;
  /** The same inputs in order, for kernels that take a list (`Concat`, `AddN`, `Pack`, `Einsum`). */
  readonly list: readonly Value[];
  // biome-ignore lint/suspicious/noExplicitAny: attributes differ per kernel; tfjs itself types them per kernel only
  readonly attributes: Readonly<Record<string, any>>;
  readonly graph: GraphBuilder;
};

/** Says a kernel in ONNX: adds nodes to `call.graph` and returns the kernel's output or outputs. */
export type KernelRule = (call: KernelCall) => Value | readonly Value[];

/** Rules by tfjs kernel name. */
export type KernelRules = Readonly<Record<string, KernelRule>>;
