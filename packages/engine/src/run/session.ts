import { float32, type HostTensor, hostTensorFault, int32, KdcError } from "@kdc-mae/core";
import type { Cut } from "../compile/cut.js";
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

/** A zeroed host tensor for a port and a number of samples. */
export const blank = (port: GraphPort, samples = 1): HostTensor =>
  (port.dtype === "float32" ? float32 : int32)(shapeFor(port, samples));

/** A graph cut in two, made ready to run; ports are given by path. */
export type SessionInTwo = {
  /** Computes the first half from the early inputs, which are to stay as they are until the second has run. */
  readonly first: Session["run"];
  /** Computes the second half from the late inputs, and what the first left. */
  readonly second: Session["run"];
  readonly dispose: Session["dispose"];
};

/** Makes a session of a graph that was cut. */
export type OpenSessionInTwo = (cut: Cut) => Promise<SessionInTwo>;

/**
 * Opens two halves as one; what goes from one to the other stays in ordinary memory, in arrays that are used again. Where
 * the second does not open, the first is given back.
 */
export async function openHalves<Half>(
  { doors, ...halves }: Pick<Cut, "doors"> & { readonly first: Half; readonly second: Half },
  open: (half: Half) => Promise<Session>,
): Promise<SessionInTwo> {
  const first = await open(halves.first);
  const second = await open(halves.second).catch(async (error: unknown) => {
    await first.dispose();
    throw error;
  });
  const handed = new Map(doors.map((port) => [port.path, blank(port)]));
  let early: ReadonlyMap<string, HostTensor> = new Map();
  return {
    first: async (inputs, outputs) => {
      early = inputs;
      return first.run(inputs, new Map([...outputs, ...handed]));
    },
    second: async (late, outputs) => {
      const made = await second.run(new Map([...early, ...handed, ...late]), outputs);
      // Not before: what is refused may be tried again.
      early = new Map();
      return made;
    },
    dispose: async () => {
      handed.clear();
      try {
        await first.dispose();
      } finally {
        await second.dispose();
      }
    },
  };
}

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
  const fault = hostTensorFault(value);
  return fault === undefined ? value : refuse(fault);
}

/** How many samples inputs hold, by the first input that has a batch axis; 1 where none has. */
export function samplesIn(graph: Pick<OnnxGraph, "inputs">, inputs: ReadonlyMap<string, HostTensor>): number {
  for (const { path, batch = [] } of graph.inputs) {
    const size = inputs.get(path)?.shape[batch[0]?.axis];
    if (size !== undefined) return size / batch[0].times;
  }
  return 1;
}
