import type { ConstantData, GraphPort } from "../compile/graph.js";
import type { Layout } from "./layout.js";
import type { Prelude } from "./prelude.js";

/** Element types on the device; truth values are stored as int32 zeros and ones. */
export type DeviceType = "f32" | "i32" | "bool";

/** A value as an operation reads it: one output of a node, through a layout. */
export type Operand = {
  readonly node: PlanNode;
  readonly output: number;
  readonly layout: Layout;
};

/** Memory a kernel touches. In its text it is read by `rN(place)` and written by `wN(place, value)`. */
export type Touched = {
  readonly node: PlanNode;
  readonly output: number;
  read: boolean;
  written: boolean;
  /** Where it is read and written, as the text calls the places. */
  readonly places: Set<string>;
};

/**
 * The body of one kernel while it is written. Values and addresses are computed once per scope. How the memory behind
 * `rN` and `wN` is bound is decided later, so that equal kernels have equal bodies whatever they work on.
 */
export type KernelText = {
  /** Operators it computes, for messages. */
  readonly label: string;
  readonly touched: readonly Touched[];
  /** Declarations of workgroup memory. */
  readonly shared: string[];
  /** Sizes by name, declared beside the bindings: kernels that differ in them alone share their body. */
  readonly numbers: ReadonlyMap<string, number>;
  line(code: string): void;
  fresh(prefix: string): string;
  /** A size that the body calls by its name. */
  number(name: string, value: number): string;
  need(prelude: Prelude): void;
  /** Says what must stand before all else, such as which extensions of WGSL it makes use of. */
  directive(...lines: readonly string[]): void;
  /** All of that. */
  directives(): string;
  /** Names a value, once. */
  once(key: string, prefix: string, expression: () => string): string;
  /** `header { … }`, with a scope of its own. */
  block(header: string, body: () => void): void;
  /** The place in memory of the element at linear index `at` of a tensor laid out so. */
  address(layout: Layout, at: string): string;
  /** The value an output has at a place: known already, a literal, computed here, or read from memory. */
  read(node: PlanNode, output: number, place: string): string;
  /** The value of an operand at linear index `at` of its own shape. */
  operand(operand: Operand, at: string): string;
  /** Makes a value known, without storing it. */
  define(node: PlanNode, output: number, at: string, value: string): void;
  write(node: PlanNode, output: number, at: string, value: string): void;
  /** All of the kernel but the bindings: what it takes from the prelude, its shared memory, `main`. */
  body(workgroupSize: number): string;
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
  | "attention"
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

/** Bytes of an output. */
export const bytesOf = (node: PlanNode, output: number): number => Math.max(4, node.sizes[output] * 4);
