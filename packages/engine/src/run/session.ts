import { type HostTensor, KdcError, sizeOf } from "@kdc-mae/core";
import { type GraphPort, type OnnxGraph, shapeFor } from "../compile/graph.js";

/** A graph made ready to run, its tensors in ordinary memory. Ports are given by path. */
export type Session = {
  /**
   * Computes once, into the arrays of `outputs`; or into others, which it gives: those of `outputs` are given up then.
   */
  readonly run: (
    inputs: ReadonlyMap<string, HostTensor>,
    outputs: ReadonlyMap<string, HostTensor>,
  ) => Promise<ReadonlyMap<string, HostTensor> | undefined>;
  /** Gives back what it holds. */
  readonly dispose: () => Promise<void>;
};

/** Makes a session of a graph: what a runtime is to the compiler. */
export type OpenSession = (graph: OnnxGraph) => Promise<Session>;

/**
 * What is to go in or out at a port, looked at before it does.
 *
 * @throws KdcError naming the port when the value is missing or has another type, shape or length
 */
export function fitting(role: "input" | "output", port: GraphPort, samples: number, value?: HostTensor): HostTensor {
  const name = port.path || "(root)";
  const shape = shapeFor(port, samples);
  const refuse = (what: string): never => {
    throw new KdcError({
      where: "program.run",
      what: `the ${role} ${name} ${what}`,
      remedy: `Pass ${name} as ${port.dtype} with shape [${shape.join(", ")}], or compile again for another shape`,
      reason: "shape",
    });
  };
  if (value === undefined) return refuse("is missing");
  if (value.dtype !== port.dtype) return refuse(`is ${value.dtype}, not ${port.dtype}`);
  const fits = value.shape.length === shape.length && value.shape.every((size, axis) => size === shape[axis]);
  if (!fits) return refuse(`has shape [${value.shape.join(", ")}], not [${shape.join(", ")}]`);
  if (value.data.length !== sizeOf(shape)) return refuse(`holds ${value.data.length} numbers, not ${sizeOf(shape)}`);
  return value;
}

/** How many samples inputs hold, by the first input that has a batch axis; 1 where none has. */
export function samplesIn(graph: Pick<OnnxGraph, "inputs">, inputs: ReadonlyMap<string, HostTensor>): number {
  for (const { path, batch = [] } of graph.inputs) {
    const size = inputs.get(path)?.shape[batch[0]?.axis];
    if (size !== undefined) return size / batch[0].times;
  }
  return 1;
}
