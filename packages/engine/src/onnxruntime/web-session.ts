import { KdcError } from "@kdc-mae/core";
import * as ort from "onnxruntime-web";
import type { OnnxGraph } from "../compile/graph.js";
import { onnxModel } from "../compile/onnx-model.js";
import type { Session } from "../run/session.js";
import { boundSession, type RunBound } from "./bound-session.js";

/** onnxruntime-web gives its results in arrays of its own. */
const runAndCopy: RunBound = async (session, inputs, results) => {
  const given = await session.run(inputs);
  for (const [name, into] of Object.entries(results)) {
    (into.data as Float32Array).set(given[name].data as Float32Array);
  }
};

/**
 * Makes an onnxruntime-web session of a graph: WebAssembly, in a page, a worker or Node.
 * Where its `.wasm` files lie is said with `env.wasm.wasmPaths` of onnxruntime-web, as ever.
 *
 * @throws KdcError when onnxruntime-web cannot make a session of it
 */
export async function createSession(graph: OnnxGraph): Promise<Session> {
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(onnxModel(graph), {
      executionProviders: ["wasm"],
      // Equal nodes that are still there are meant: values computed again instead of being kept in memory.
      extra: { optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" } },
    });
  } catch (cause) {
    throw new KdcError({
      where: "createSession",
      what: `onnxruntime-web cannot start (${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)})`,
      remedy: "Serve onnxruntime-web's .wasm and .mjs files and name their place with env.wasm.wasmPaths",
      reason: "runtime",
      cause,
    });
  }
  return boundSession(graph, session, ort.Tensor, runAndCopy, () => session.release());
}
