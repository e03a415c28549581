import type { ConstantData, GraphPort } from "../compile/graph.js";
import type { KernelText } from "./kernel-text.js";
import type { Layout } from "./layout.js";

/** Element types on the device; truth values are stored as int32 zeros and ones. */
export type DeviceType = "f32" | "i32" | "bool";

/** A value as an operation reads it: one output of a node, through a layout. */
export type Operand = {
  readonly node: PlanNode;
  readonly output: number;
  readonly layout: Layout;
};

/** The value of every output at a linear index, as a WGSL expression. */
export type Emit = (text: KernelText, at: string) => string;

/** What is stored at a linear index once a core operation has computed it, and all that was fused onto it. */
export type Finish = (text: KernelText, at: string, value: string) => void;

/** One dispatch before it has memory: a kernel's text, and how many workgroups. */
export type Draft = {
  readonly text: KernelText;
  readonly workgroupSize: number;
  readonly workgroups: number;
  readonly flops: number;
};

/** What a core writes its kernels with. */
export type CoreTools = {
  readonly node: PlanNode;
  /** The text of one more kernel. */
  readonly write: () => KernelText;
  readonly finish: Finish;
  /** Memory between two of its kernels. */
  readonly scratch: (size: number, type: DeviceType) => PlanNode;
};

/** Operations whose threads do more than compute one element: they write their own kernels, and call `finish`. */
export type Core = (tools: CoreTools) => readonly Draft[];

/** Families of kernels, for counting and for the self-test. */
export type Family =
  | "elementwise"
  | "product"
  | "reduction"
  | "row"
  | "gather"
  | "scatter"
  | "window"
  | "sort"
  | "memory";

/**
 * One operation of a plan, in running order. It is memory (an input, a constant, scratch), a `map` (an expression per
 * element, which fuses with its neighbours), or a `core`.
 */
export type PlanNode = {
  readonly index: number;
  /** The operator it came from, for messages. */
  readonly op: string;
  readonly family: Family;
  readonly sizes: readonly number[];
  readonly types: readonly DeviceType[];
  readonly operands: readonly Operand[];
  /** Operands that must be in memory, for they are read at places of their own choosing. */
  readonly stored: readonly number[];
  /** How often each element of an operand is read; a map is computed in its reader where this is small. */
  readonly repeats: number;
  /** A map that reads its operands at other places than the one it computes. */
  readonly elsewhere: boolean;
  /** Roughly, operations per element. */
  readonly cost: number;
  readonly emit?: Emit;
  readonly core?: Core;
  readonly constant?: { readonly data: ConstantData };
  readonly port?: GraphPort;
  /** Position in the graph, to find the line it came from. */
  readonly source: number;
};

export const keyOf = (node: PlanNode, output: number): string => `${node.index}:${output}`;
