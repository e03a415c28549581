import type { ErrorParts, HostTensor } from "@kdc-mae/core";
import type { Cut } from "../compile/cut.js";
import type { OnnxGraph } from "../compile/graph.js";
import type { SessionOptions } from "./node-session.js";

/** The doors of a graph, of which the model's bytes hold the rest. */
type Doors = Pick<OnnxGraph, "inputs" | "outputs">;

/** Tensors by the path of their port. */
export type Tensors = ReadonlyMap<string, HostTensor>;

/** A model's bytes, with its doors. */
export type Model = { readonly model: Uint8Array; readonly doors: Doors };

/** Half of a graph that was cut. */
export type Half = "first" | "second";

/**
 * What the thread is asked, by number; buffers of tensors are handed over. Those that go into a first half come back
 * from the second.
 */
export type Question = { readonly number: number; readonly session: number } & (
  | { readonly open: Model & { readonly options: SessionOptions } }
  | {
      readonly openInTwo: Readonly<Record<Half, Model>> & Pick<Cut, "doors"> & { readonly options: SessionOptions };
    }
  | { readonly run: { readonly half?: Half; readonly inputs: Tensors; readonly outputs: Tensors } }
  | { readonly dispose: true }
);

/** What it answers. Buffers come back, whatever happened; errors cross as their parts, since a class does not. */
export type Answer = {
  readonly number: number;
  readonly back?: { readonly inputs: Tensors; readonly outputs: Tensors };
  readonly wrong?: { readonly what: string; readonly parts?: ErrorParts };
};

/** The buffers of some tensors, to be handed over. */
export const buffersOf = (...tensors: readonly Tensors[]): ArrayBuffer[] =>
  tensors.flatMap((ports) => [...ports.values()].map(({ data }) => data.buffer as ArrayBuffer));
