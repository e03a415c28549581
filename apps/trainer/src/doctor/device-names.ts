import type { Device } from "@kdc-mae/engine/node";

/** What `--device` takes: `webgpu` is the project's own runtime, the others are ONNX Runtime's. */
export const deviceNames = ["cpu", "webgpu", "cuda", "onnxruntime-webgpu"] as const;
export type DeviceName = (typeof deviceNames)[number];

/** ONNX Runtime's own names. */
export const onnxRuntimeDevice = { cpu: "cpu", cuda: "cuda", "onnxruntime-webgpu": "webgpu" } as const satisfies Record<
  Exclude<DeviceName, "webgpu">,
  Device
>;
