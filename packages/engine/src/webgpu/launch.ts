import { type HostTensor, hostTensorFault, KdcError, type Tree, treeLeaves } from "@kdc-mae/core";
import type { GraphPort } from "../compile/graph.js";
import { type DeviceTensor, goneTensor, isOnDevice } from "../run/runtime.js";
import { bindingsOf } from "./bind-sets.js";
import type { OpenDevice } from "./device.js";
import {
  allocateShares,
  asOwn,
  deviceTensor,
  type OwnTensor,
  type Range,
  type Share,
  storageUsage,
} from "./device-tensors.js";
import { aligned } from "./memory-plan.js";
import type { Plan, PlannedOutput } from "./plan.js";

const where = "program.launch";

const expectShape = (port: GraphPort, leaf: HostTensor | DeviceTensor | undefined): HostTensor | DeviceTensor => {
  const name = port.path || "(root)";
  const refuse = (what: string): never => {
    throw new KdcError({
      where,
      what: `the input ${name} ${what}`,
      remedy: `Pass ${name} as ${port.dtype} with shape [${port.shape.join(", ")}], or compile again for another shape`,
      reason: "shape",
    });
  };
  if (leaf === undefined) return refuse("is missing");
  if (leaf.dtype !== port.dtype) return refuse(`is ${leaf.dtype}, not ${port.dtype}`);
  if (leaf.shape.join() !== port.shape.join()) {
    return refuse(`has shape [${leaf.shape.join(", ")}], not [${port.shape.join(", ")}]`);
  }
  const fault = isOnDevice(leaf) ? undefined : hostTensorFault(leaf);
  return fault === undefined ? leaf : refuse(fault);
};

const bytesOfPort = ({ shape }: GraphPort): number => Math.max(4, shape.reduce((all, one) => all * one, 1) * 4);

/** A plan on a device: buffers, pipelines and bind groups are made once, a launch writes inputs and submits. */
export type Launcher = {
  readonly launch: (inputs: Tree<HostTensor | DeviceTensor>) => Promise<ReadonlyMap<string, OwnTensor>>;
  readonly dispose: () => void;
};

/** Makes everything a plan needs on a device. */
export async function prepareLaunch(device: OpenDevice, plan: Plan): Promise<Launcher> {
  const { gpu } = device;
  const { memory, graph } = plan;
  const own: GPUBuffer[] = [];
  const make = async (label: string, bytes: number): Promise<GPUBuffer> => {
    const buffer = await device.createBuffer(label, Math.max(aligned(bytes), 256), storageUsage);
    own.push(buffer);
    return buffer;
  };
  const arenas: GPUBuffer[] = [];
  for (const [index, bytes] of memory.arenas.entries())
    arenas.push(await make(`arena ${index} for activations`, bytes));
  const constants = await make("constants", memory.constants.bytes);
  for (const { offset, node } of memory.constants.parts) {
    const data = node.constant!.data;
    if (data.byteLength > 0)
      gpu.queue.writeBuffer(constants, offset, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }
  await Promise.all(plan.steps.map(async (step) => ("shader" in step ? device.pipeline(step.shader) : undefined)));
  /** Where inputs that come from ordinary memory go; made when one comes. */
  const uploads = new Map<string, Share>();
  const bindings = bindingsOf(device, plan, { arenas, constants });
  const { numberOf, rangeOf } = bindings;
  const upload = async (port: GraphPort): Promise<Share> => {
    const known = uploads.get(port.path);
    if (known !== undefined) return known;
    const missing = graph.inputs.filter(({ path }) => path === port.path);
    const [share] = await allocateShares(device, `input ${port.path}`, missing.map(bytesOfPort));
    uploads.set(port.path, share);
    return share;
  };

  /** Ranges of all inputs. What this program writes itself, or gave twice, is copied first. */
  const take = async (tree: Tree<HostTensor | DeviceTensor>, encoder: () => GPUCommandEncoder) => {
    const leaves = new Map(treeLeaves(tree));
    const ranges = new Map<string, Range>();
    const tensors = new Map<string, OwnTensor>();
    const seen = new Set<string>();
    for (const port of graph.inputs) {
      const leaf = expectShape(port, leaves.get(port.path));
      if (!isOnDevice(leaf)) {
        const share = await upload(port);
        const { data } = leaf;
        device.traffic.bytes += data.byteLength;
        if (data.byteLength > 0)
          gpu.queue.writeBuffer(
            share.buffer,
            share.offset,
            data.buffer as ArrayBuffer,
            data.byteOffset,
            data.byteLength,
          );
        ranges.set(port.path, share);
        continue;
      }
      const tensor = asOwn(leaf, device, where, port.path);
      const range = tensor.range();
      if (range === undefined) throw goneTensor(where, port.path);
      const key = `${numberOf(range.buffer)}+${range.offset}`;
      if (own.includes(range.buffer) || seen.has(key)) {
        const share = await upload(port);
        encoder().copyBufferToBuffer(
          range.buffer,
          range.offset,
          share.buffer,
          share.offset,
          Math.ceil(bytesOfPort(port) / 4) * 4,
        );
        ranges.set(port.path, share);
        continue;
      }
      seen.add(key);
      tensors.set(port.path, tensor);
      ranges.set(port.path, range);
    }
    return { ranges, tensors };
  };

  /** What is kept lives in memory of its own: the input's it replaces, or new. */
  const keep = async (
    outputs: readonly PlannedOutput[],
    tensors: ReadonlyMap<string, OwnTensor>,
  ): Promise<Map<string, Share>> => {
    const fresh = outputs.filter(({ path, replaces }) => !(replaces && tensors.has(path)));
    const made = await allocateShares(
      device,
      "kept outputs",
      fresh.map(({ place }) => place.bytes),
    );
    const shares = new Map(fresh.map(({ path }, index) => [path, made[index]]));
    for (const { path } of outputs) if (!shares.has(path)) shares.set(path, tensors.get(path)!.giveUp()!);
    return shares;
  };

  const noRelease = (): void => undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const launch = async (tree: Tree<HostTensor | DeviceTensor>): Promise<Map<string, OwnTensor>> => {
    device.expectAlive();
    const encoder = gpu.createCommandEncoder();
    const { ranges, tensors } = await take(tree, () => encoder);
    const { dispatches } = await bindings.setFor(ranges);
    device.traffic.dispatches += dispatches.length;
    const pass = encoder.beginComputePass();
    let current: GPUComputePipeline | undefined;
    for (const { pipeline, group, grid } of dispatches) {
      if (pipeline !== current) pass.setPipeline(pipeline);
      current = pipeline;
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...grid);
    }
    pass.end();
    const kept = await keep(
      plan.outputs.filter((output) => output.kept),
      tensors,
    );
    const results = new Map<string, OwnTensor>();
    for (const output of plan.outputs) {
      const { path, place } = output;
      const lies = rangeOf(place, ranges);
      const share = kept.get(path) ?? { ...lies, bytes: place.bytes, release: noRelease };
      if (share.buffer !== lies.buffer || share.offset !== lies.offset) {
        encoder.copyBufferToBuffer(
          lies.buffer,
          lies.offset,
          share.buffer,
          share.offset,
          Math.ceil(place.bytes / 4) * 4,
        );
      }
      results.set(path, deviceTensor(device, output, path, share));
    }
    gpu.queue.submit([encoder.finish()]);
    return results;
  };
  return {
    launch: (tree) => {
      const next = queue.then(() => launch(tree));
      queue = next.catch(() => undefined);
      return next;
    },
    dispose: () => {
      for (const buffer of own) device.release(buffer);
      for (const { release } of uploads.values()) release();
      bindings.dispose();
    },
  };
}
