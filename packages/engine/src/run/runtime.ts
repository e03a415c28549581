import { type HostTensor, KdcError, mapTree, type TreeLike, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type Program, type ProgramInTwo } from "./program.js";

/** A tensor that lies where its runtime computes. Its values cross to ordinary memory only when they are read. */
export type DeviceTensor = {
  readonly dtype: HostTensor["dtype"];
  readonly shape: readonly number[];
  /** The values as they are now: what is launched after this call does not change what it gives. */
  readonly read: () => Promise<HostTensor>;
  /** Gives its memory back. A tensor that was given up to a program is gone already. */
  readonly dispose: () => void;
};

/** A tree of tensors, each in ordinary memory or on the device. */
export type Placed<T> = TreeLike<T, HostTensor | DeviceTensor>;

/** A tree like one of tensors or host tensors, all of it on the device. */
export type OnDevice<T> = TreeLike<T, DeviceTensor>;

/** Which of a program’s outputs stay on the device. */
export type Residence = {
  /**
   * Outputs, by dotted path, that live on until they are disposed of. One that has the path, shape and type of an input
   * takes that input's place: the input is given up, changed in place, and must not be used again. An output not kept
   * holds its values until the program is launched again. None is kept unless given.
   */
  readonly keep?: (path: string) => boolean;
};

/** A program whose inputs and outputs may stay on the device. */
export type DeviceProgram<I, O> = Program<I, O> & {
  /**
   * Starts the program and does not wait for it: launches queue up, and what is read is read when it is there.
   *
   * @throws KdcError when an input does not fit, or was given up or disposed of before
   */
  readonly launch: (inputs: Placed<I>) => Promise<OnDevice<O>>;
};

/** What executes traced functions, with memory of its own. */
export type Runtime = {
  /** In words, for reports: runtime, adapter, driver, precision, and whether matrix units are used. */
  readonly name: string;
  /** `mixed` rounds operands of products to half precision, and losses are scaled for it; float32 unless given. */
  readonly precision?: "float32" | "mixed";
  /** Makes a program for inputs shaped like `example`; values are not read. */
  readonly compile: <I, O>(
    fn: (inputs: I) => O,
    example: Placed<I>,
    residence?: Residence,
  ) => Promise<DeviceProgram<I, O>>;
  /** Copies a tree to the device, once. */
  readonly place: <T>(tree: T) => Promise<OnDevice<T>>;
  /** Programs from host tensors to host tensors, for what knows nothing of devices. */
  readonly execute: Execute;
  /** Lets the device go, with all that lies on it. */
  readonly dispose: () => Promise<void>;
};

/**
 * Makes a program of a tfjs function, for inputs shaped like `example`. One with a `runtime` can keep tensors on its
 * device, and training steps do.
 */
export type Execute = {
  <I, O>(fn: (inputs: I) => O, example: Hosted<I>): Promise<Program<I, O>>;
  readonly runtime?: Runtime;
  /** In words, for reports, where there is no runtime that says it: what computes, on what, at which precision. */
  readonly on?: string;
  /** As a runtime's. */
  readonly precision?: Runtime["precision"];
  /** The same computed elsewhere than on the calling thread, for what takes long; costs a copy of the inputs. */
  readonly apart?: Execute;
  readonly inTwo?: InTwo;
};

/**
 * What computes, in words, for reports and logs: runtime, device, precision; undefined where it does not say.
 *
 * @example
 * ```ts
 * import { computesOn } from "@kdc-mae/engine";
 * import { compiled } from "@kdc-mae/engine/node";
 *
 * console.log(computesOn(compiled()));
 * ```
 */
export const computesOn = ({ runtime, on }: Pick<Execute, "runtime" | "on">): string | undefined => runtime?.name ?? on;

/** Makes programs that run in two halves. */
export type InTwo = {
  /** What a function would give, without values. */
  readonly outputs: <I, O>(fn: (inputs: I) => O, example: Hosted<I>) => Hosted<O>;
  /**
   * Makes the two halves of a function. They compute what it computes, and nothing twice.
   *
   * @throws Error where what is wanted first depends on a late input
   */
  readonly program: <Early, Late, First, Second>(
    fn: (inputs: { readonly early: Early; readonly late: Late }) => { readonly first: First; readonly second: Second },
    example: { readonly early: Hosted<Early>; readonly late: Hosted<Late> },
  ) => Promise<ProgramInTwo<Early, Late, First, Second>>;
};

/** True for a leaf that lies on a device; its values come by `read()`. */
export const isOnDevice = (leaf: HostTensor | DeviceTensor): leaf is DeviceTensor => !("data" in leaf);

/** Brings a tree back to ordinary memory. */
export async function readTree<T>(tree: Placed<T>): Promise<Hosted<T>> {
  const values = new Map<string, HostTensor>();
  const reads = treeLeaves(asTree<HostTensor | DeviceTensor>(tree)).map(async ([path, leaf]) => {
    values.set(path, isOnDevice(leaf) ? await leaf.read() : leaf);
  });
  await Promise.all(reads);
  return mapTree(asTree<HostTensor | DeviceTensor>(tree), (_: HostTensor | DeviceTensor, path) =>
    values.get(path),
  ) as Hosted<T>;
}

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
 * How a program that can be launched is run: its results are read, and what they took of the device is given back.
 *
 * @throws KdcError what `launch` throws, and where the arrays to write into are of another size or type
 */
export const runOf =
  <I, O>(launch: DeviceProgram<I, O>["launch"]): Program<I, O>["run"] =>
  async (inputs, into) => {
    const results = await launch(inputs as Placed<I>);
    const values = asTree<HostTensor>(await readTree<O>(results as Placed<O>));
    for (const [, leaf] of treeLeaves(asTree<DeviceTensor>(results))) leaf.dispose();
    const targets = new Map(into === undefined ? [] : treeLeaves(asTree<HostTensor>(into)));
    return mapTree(values, (value: HostTensor, path) => copyInto(value, targets.get(path), path)) as Hosted<O>;
  };

/** A tree where a program reads it best: on the device of `execute`, if it has one, once and for all of its programs. */
export async function resident<T>(
  execute: Execute,
  tree: T,
): Promise<{
  readonly tree: T;
  /** Gives back the memory on the device. */
  readonly dispose: () => void;
}> {
  if (execute.runtime === undefined) return { tree, dispose: () => undefined };
  const placed = await execute.runtime.place(tree);
  const dispose = (): void => {
    for (const [, leaf] of treeLeaves(asTree<DeviceTensor>(placed))) leaf.dispose();
  };
  // Programs of a runtime take device tensors wherever they take host tensors.
  return { tree: placed as T, dispose };
}

/** Refuses a device tensor that its device no longer holds. */
export function goneTensor(where: string, path: string): KdcError {
  return new KdcError({
    where,
    what: `the tensor ${path || "(root)"} is no longer on the device: it was disposed of, or given up to a program that changed it in place`,
    remedy: "Use the tensor that program gave in its place, or read the values before",
    reason: "gone",
  });
}
