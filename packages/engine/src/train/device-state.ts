import { type FloatTensor, float32, type HostTensor, mapTree, type Shaped, type Tree, treeLeaves } from "@kdc-mae/core";
import { asTree, type HostedParams } from "../run/program.js";
import { shapesOf } from "../run/runner.js";
import type { DeviceProgram, DeviceTensor, OnDevice, Placed, Runtime } from "../run/runtime.js";
import type { Follower } from "./follower.js";
import type { Optimizer } from "./optimizer.js";
import { flat, type Held, keyOf, type Named } from "./traced-update.js";
import type { TrainState } from "./update.js";

/** What steps need of a runtime. */
export type StepRuntime = Pick<Runtime, "name" | "compile" | "place" | "precision">;

type Changing<Leaf> = {
  readonly params: Record<string, Leaf>;
  readonly slots: Record<string, Record<string, Leaf>>;
  readonly follower: Record<string, Leaf>;
};

const stateStays = (path: string): boolean => /^(params|slots|follower|sums)\./.test(path);

/** Programs of one function whose state stays on the device, made as batches of other shapes come. */
export function programsOf<I, O>(runtime: StepRuntime, fn: (inputs: I) => O) {
  const made = new Map<string, Promise<DeviceProgram<I, O>>>();
  const programFor = (inputs: Placed<I>, batch: unknown): Promise<DeviceProgram<I, O>> => {
    const key = shapesOf(batch);
    const program = made.get(key) ?? runtime.compile(fn, inputs, { keep: stateStays });
    made.set(key, program);
    return program;
  };
  return {
    /** Runs the program for inputs of these shapes. */
    launch: async (inputs: Placed<I>, batch: unknown): Promise<OnDevice<O>> =>
      (await programFor(inputs, batch)).launch(inputs),
    /** Makes the program without running it; `inputs` are looked at for their shapes alone. */
    ready: async (inputs: Placed<I>, batch: unknown): Promise<void> => {
      await programFor(inputs, batch);
    },
    dispose: async (): Promise<void> => {
      for (const program of made.values()) await (await program).dispose();
      made.clear();
    },
  };
}

/** A training's state on a device; the arrays of {@link TrainState} are a copy of it in ordinary memory. */
export type DeviceState<Params, OptimizerState> = {
  /** The state there, copied from ordinary memory where it is not there yet. */
  readonly held: (state: TrainState<Params, OptimizerState>) => Promise<Held<DeviceTensor>>;
  /** Sums of gradients, as an earlier step left them. */
  readonly sums: () => Promise<Named<DeviceTensor>>;
  /** What a program gave takes the place of what it was given. */
  readonly adopt: (made: Partial<Held<DeviceTensor>> & { readonly sums?: Named<DeviceTensor> }) => void;
  readonly collect: (state: TrainState<Params, OptimizerState>) => Promise<void>;
  readonly release: () => void;
  /** Tensors by key as the tree that the parameters are. */
  readonly asParams: <Leaf>(named: Named<Leaf>) => Params;
};

export function createDeviceState<Params, OptimizerState>(
  runtime: StepRuntime,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  follower: Follower | undefined,
): DeviceState<Params, OptimizerState> {
  let held: Changing<DeviceTensor> | undefined;
  let sums: Record<string, DeviceTensor> | undefined;
  let like: Tree<Shaped>;
  const slotsOf = (state: TrainState<Params, OptimizerState>) =>
    Object.entries(optimizer.slots(state.optimizer)) as [string, Tree<FloatTensor>][];
  const hold: DeviceState<Params, OptimizerState>["held"] = async (state) => {
    if (held !== undefined) return held;
    like = mapTree(asTree<HostTensor>(state.params), ({ shape, dtype }: HostTensor) => ({ shape, dtype }));
    const placed: Changing<DeviceTensor> = await runtime.place({
      params: flat(asTree<HostTensor>(state.params)),
      slots: Object.fromEntries(slotsOf(state).map(([name, tree]) => [name, flat(tree)])),
      follower: follower === undefined ? {} : flat(follower.tree),
    });
    held = placed;
    return placed;
  };
  const release = (): void => {
    for (const tree of [held, sums])
      if (tree !== undefined) for (const [, leaf] of treeLeaves<DeviceTensor>(tree)) leaf.dispose();
    [held, sums] = [undefined, undefined];
  };
  return {
    held: hold,
    sums: async () => {
      sums ??= await runtime.place(mapTree(held!.params, ({ shape }: DeviceTensor) => float32(shape)));
      return sums;
    },
    adopt: (made) => {
      if (held !== undefined) {
        Object.assign(held.params, made.params);
        Object.assign(held.follower, made.follower);
        for (const [name, tree] of Object.entries(made.slots ?? {})) Object.assign(held.slots[name], tree);
      }
      if (made.sums !== undefined) sums = { ...made.sums };
    },
    collect: async (state) => {
      if (held === undefined) return;
      const from = held;
      const pairs: (readonly [Named<DeviceTensor>, Tree<HostTensor>])[] = [
        [from.params, asTree<HostTensor>(state.params)],
        ...slotsOf(state).map(([name, tree]) => [from.slots[name], tree] as const),
        ...(follower === undefined ? [] : [[from.follower, follower.tree] as const]),
      ];
      for (const [own, to] of pairs) {
        for (const [path, leaf] of treeLeaves(to)) leaf.data.set((await own[keyOf(path)].read()).data);
      }
    },
    release,
    asParams: <Leaf>(named: Named<Leaf>) => mapTree(like, (_: Shaped, path) => named[keyOf(path)]) as Params,
  };
}
