import { type HostTensor, KdcError, mapTree, type Tree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { type BackendName, selectBackend } from "../backend/select.js";
import { asTree, type Hosted } from "./program.js";
import type { Execute } from "./runtime.js";

const toTensor = (leaf: HostTensor): tf.Tensor => tf.tensor(leaf.data, [...leaf.shape], leaf.dtype);

/** Values of a tensor in ordinary memory; truth values become int32 zeros and ones, as in a compiled program. */
const toHost = async (tensor: tf.Tensor): Promise<HostTensor> => {
  const values = await tensor.data();
  return tensor.dtype === "float32"
    ? { dtype: "float32", shape: [...tensor.shape], data: Float32Array.from(values) }
    : { dtype: "int32", shape: [...tensor.shape], data: Int32Array.from(values) };
};

const copyInto = (value: HostTensor, into: HostTensor | undefined, path: string): HostTensor => {
  if (into === undefined) return value;
  if (into.data.length !== value.data.length || into.dtype !== value.dtype) {
    throw new KdcError({
      where: "program.run",
      what: `the output ${path || "(root)"} is ${value.dtype} [${value.shape.join(", ")}], the array to write into is ${into.dtype} with ${into.data.length} numbers`,
      remedy: "Give a result of this program to write into, or none",
      reason: "shape",
    });
  }
  into.data.set(value.data);
  return into;
};

/**
 * Runs functions operation by operation on a tfjs backend: for debugging, tests and machines ONNX Runtime does not
 * know. Every tensor made in a run is released before the run ends.
 *
 * @throws KdcError with the remedy when the backend cannot be used
 *
 * @example
 * ```ts
 * import { eager } from "@kdc-mae/engine";
 * import { float32 } from "@kdc-mae/core";
 * import { exp, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const program = await eager("cpu")((x: Tensor1D) => exp(x), float32([1]));
 * const one = await program.run(float32([1])); // e⁰
 * ```
 */
export function eager(backend: BackendName): Execute {
  return async <I, O>(fn: (inputs: I) => O) => {
    await selectBackend(backend);
    return {
      run: async (inputs: Hosted<I>, into?: Hosted<O>): Promise<Hosted<O>> => {
        await selectBackend(backend);
        const given: tf.Tensor[] = [];
        const tensors = mapTree(asTree<HostTensor>(inputs), (leaf: HostTensor) => {
          given.push(toTensor(leaf));
          return given.at(-1);
        });
        let result: Tree<tf.Tensor> | undefined;
        try {
          result = asTree<tf.Tensor>(tf.tidy(() => fn(tensors as I) as tf.TensorContainer));
          const hosted = new Map<string, HostTensor>();
          const targets = new Map(into === undefined ? [] : treeLeaves(asTree<HostTensor>(into)));
          for (const [path, tensor] of treeLeaves(result)) {
            hosted.set(path, copyInto(await toHost(tensor), targets.get(path), path));
          }
          return mapTree(result, (_: tf.Tensor, path) => hosted.get(path)) as Hosted<O>;
        } finally {
          tf.dispose(given);
          if (result !== undefined) tf.dispose(result as tf.TensorContainer);
        }
      },
      dispose: async () => undefined,
    };
  };
}
