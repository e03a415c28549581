import { type HostTensor, KdcError, sizeOf } from "@kdc-mae/core";
import { type DeviceTensor, goneTensor } from "../run/runtime.js";
import { type OpenDevice, usage } from "./device.js";
import { aligned } from "./memory-plan.js";

/** A range of a buffer; several tensors may share one buffer, which lives as long as the last of them. */
export type Range = { readonly buffer: GPUBuffer; readonly offset: number; readonly bytes: number };

/** A tensor of ours, with where it lies while it is there. */
export type OwnTensor = DeviceTensor & {
  readonly device: OpenDevice;
  readonly range: () => Range | undefined;
  /** Takes the range from it, for a tensor that takes its place. */
  readonly giveUp: () => Share | undefined;
};

/** A range, and the right to release the buffer it is in. */
export type Share = Range & { readonly release: () => void };

const owned = new WeakSet<object>();

/** The tensor as one of this device's. */
export const asOwn = (tensor: DeviceTensor, device: OpenDevice, where: string, path: string): OwnTensor => {
  if (owned.has(tensor) && (tensor as OwnTensor).device === device) return tensor as OwnTensor;
  throw new KdcError({
    where,
    what: `the tensor ${path || "(root)"} lies on another device`,
    remedy: "Read it and place it here, or run the program where the tensor is",
    reason: "device",
  });
};

export const storageUsage = usage.storage | usage.copySource | usage.copyTarget;

type Form = Pick<HostTensor, "dtype" | "shape">;

/** Makes a tensor of a range. */
export function deviceTensor(device: OpenDevice, { dtype, shape }: Form, path: string, share: Share): OwnTensor {
  let held: Share | undefined = share;
  const tensor: OwnTensor = {
    ...{ dtype, shape, device },
    range: () => held,
    giveUp: () => {
      const given = held;
      held = undefined;
      return given;
    },
    read: async () => {
      if (held === undefined) throw goneTensor("webgpu: read", path);
      const bytes = await device.read(held.buffer, held.offset, Math.max(4, sizeOf(shape) * 4));
      return dtype === "float32"
        ? { dtype, shape, data: new Float32Array(bytes, 0, sizeOf(shape)) }
        : { dtype, shape, data: new Int32Array(bytes, 0, sizeOf(shape)) };
    },
    dispose: () => {
      held?.release();
      held = undefined;
    },
  };
  owned.add(tensor);
  return tensor;
}

/** Makes room for several tensors, in as few buffers as a device allows. */
export async function allocateShares(device: OpenDevice, label: string, sizes: readonly number[]): Promise<Share[]> {
  const shares: Share[] = [];
  let from = 0;
  while (from < sizes.length) {
    let [to, bytes] = [from, 0];
    while (to < sizes.length && (to === from || bytes + aligned(sizes[to]) <= device.largest))
      bytes += aligned(sizes[to++]);
    const buffer = await device.createBuffer(label, bytes, storageUsage);
    let [alive, offset] = [to - from, 0];
    const release = () => {
      alive--;
      if (alive === 0) device.release(buffer);
    };
    for (const size of sizes.slice(from, to)) {
      shares.push({ buffer, offset, bytes: size, release });
      offset += aligned(size);
    }
    from = to;
  }
  return shares;
}
