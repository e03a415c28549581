import { type HostTensor, KdcError, mapTree, type Tree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { type BackendName, selectBackend } from "../backend/select.js";
import { asTree, atOnce, expectHosted, type Hosted } from "./program.js";
import {
  type DeviceProgram,
  type DeviceTensor,
  type Execute,
  goneTensor,
  isOnDevice,
  type OnDevice,
  type Placed,
  type Runtime,
  runOf,
} from "./runtime.js";

/** @throws KdcError for what is no host tensor */
const toTensor = (leaf: HostTensor, path: string): tf.Tensor => {
  expectHosted("program.run", path, leaf);
  return tf.tensor(leaf.data, [...leaf.shape], leaf.dtype);
};

/** A tensor of the backend's that lives on between programs; undefined when it is gone. */
type Kept = DeviceTensor & { readonly tensor: () => tf.Tensor | undefined };

/** Holds a tensor. Truth values become int32 zeros and ones, as in a compiled program. */
const hold = (backend: BackendName, given: tf.Tensor, path: string): Kept => {
  let held: tf.Tensor | undefined = given;
  const { shape } = given;
  const dtype = given.dtype === "float32" ? "float32" : "int32";
  return {
    ...{ dtype, shape: [...shape], tensor: () => held },
    read: async () => {
      if (held === undefined) throw goneTensor("tensor.read", path);
      await selectBackend(backend);
      // What is disposed of while it is read is read all the same.
      const copy = tf.clone(held);
      const values = await copy.data().finally(() => copy.dispose());
      return dtype === "float32"
        ? { dtype, shape: [...shape], data: Float32Array.from(values) }
        : { dtype, shape: [...shape], data: Int32Array.from(values) };
    },
    dispose: () => {
      held?.dispose();
      held = undefined;
    },
  };
};

/** @throws KdcError for what is no tree of tensors, and for tensors that no other program could give */
function expectTensors<Result>(result: Result): Result {
  for (const [path, { dtype }] of treeLeaves(asTree<tf.Tensor>(result))) {
    if (dtype === "float32" || dtype === "int32" || dtype === "bool") continue;
    throw new KdcError({
      where: "program.run",
      what: `the output ${path || "(root)"} is a tensor of type ${dtype}`,
      remedy: "Give tensors of float32, int32 or bool",
      reason: "dtype",
    });
  }
  return result;
}

/** A function run operation by operation, on tensors that may live on between runs. */
function eagerProgram<I, O>(
  backend: BackendName,
  fn: (inputs: I) => O,
  keep: (path: string) => boolean,
): DeviceProgram<I, O> {
  /** Outputs of the last run that were not to be kept. */
  let passing: Kept[] = [];
  const drop = (): void => {
    for (const one of passing) one.dispose();
    passing = [];
  };
  const launch = async (inputs: Placed<I>): Promise<OnDevice<O>> => {
    await selectBackend(backend);
    const leaves = new Map(treeLeaves(asTree<HostTensor | DeviceTensor>(inputs)));
    const made: tf.Tensor[] = [];
    const tensorOf = (leaf: HostTensor | DeviceTensor, path: string): tf.Tensor => {
      if (!isOnDevice(leaf)) {
        made.push(toTensor(leaf, path));
        return made[made.length - 1];
      }
      const tensor = (leaf as Kept).tensor();
      if (tensor === undefined) throw goneTensor("program.launch", path);
      return tensor;
    };
    try {
      const given = mapTree(asTree<HostTensor | DeviceTensor>(inputs), tensorOf) as I;
      const result = asTree<tf.Tensor>(tf.tidy(() => expectTensors(atOnce(fn(given))) as tf.TensorContainer));
      // An input that is given back belongs to whoever gave it, and so does one of two outputs that are the same.
      const seen = new Set<number>(treeLeaves(asTree<tf.Tensor>(given)).map(([, { id }]) => id));
      const outputs = mapTree(result, (tensor: tf.Tensor, path) => {
        const own = seen.has(tensor.id) ? tf.clone(tensor) : tensor;
        seen.add(tensor.id);
        return hold(backend, own, path);
      });
      drop();
      for (const [path, output] of treeLeaves(outputs as Tree<Kept>)) {
        const before = leaves.get(path);
        if (!keep(path)) passing.push(output);
        else if (before !== undefined && isOnDevice(before)) before.dispose();
      }
      return outputs as unknown as OnDevice<O>;
    } finally {
      tf.dispose(made);
    }
  };
  return {
    launch,
    run: runOf(launch),
    dispose: async () => drop(),
  };
}

/**
 * Runs functions operation by operation on a tfjs backend: for debugging, tests and machines ONNX Runtime does not
 * know. Every tensor made in a run is released before the run ends, but for those that a training step keeps on the
 * backend between steps: parameters, moments, what follows them.
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
  const runtime: Omit<Runtime, "execute"> = {
    name: `tfjs ${backend}, float32`,
    compile: async (fn, _example, { keep = () => false } = {}) => {
      await selectBackend(backend);
      return eagerProgram(backend, fn, keep);
    },
    place: async <T>(tree: T): Promise<OnDevice<T>> => {
      await selectBackend(backend);
      return mapTree(asTree<HostTensor>(tree), (leaf: HostTensor, path) =>
        hold(backend, toTensor(leaf, path), path),
      ) as OnDevice<T>;
    },
    dispose: async () => undefined,
  };
  const execute: Execute = Object.assign(
    <I, O>(fn: (inputs: I) => O, example: Hosted<I>) => runtime.compile(fn, example as Placed<I>),
    { runtime: runtime as Runtime },
  );
  return Object.assign(execute, { runtime: Object.assign(runtime, { execute }) });
}
