export { type BackendName, type BackendReport, selectBackend, surveyBackends } from "./backend/select.js";
export { type CompiledProgram, compiledOn } from "./compile/compile.js";
export type {
  Attribute,
  BatchAxis,
  ElementType,
  GraphConstant,
  GraphNode,
  GraphPort,
  OnnxGraph,
  StoredType,
} from "./compile/graph.js";
export { shapeFor } from "./compile/graph.js";
export type { GraphBuilder, NodeRequest, Value } from "./compile/graph-builder.js";
export type { KernelCall, KernelRule, KernelRules } from "./compile/kernel-rule.js";
export { knownKernels, registerKernelRule } from "./compile/kernel-table.js";
export { type ModelMetadata, onnxModel } from "./compile/onnx-model.js";
export { type InnerValues, type Trace, trace } from "./compile/trace.js";
export { bind } from "./export/bind.js";
export { traceAnyBatch } from "./export/trace-any-batch.js";
export { weightsFloat16 } from "./export/weights-float16.js";
export { weightsInt8 } from "./export/weights-int8.js";
export { eager } from "./run/eager.js";
export { comparePrograms, type OutputDifference } from "./run/parity.js";
export { type Hosted, type Program, type ProgramInTwo, spec } from "./run/program.js";
export { createModelRunner, createRunner, type ModelRunner, type Runner } from "./run/runner.js";
export type {
  DeviceProgram,
  DeviceTensor,
  Execute,
  InTwo,
  OnDevice,
  Placed,
  Residence,
  Runtime,
} from "./run/runtime.js";
export { computesOn, resident, runOf } from "./run/runtime.js";
export type { OpenSession, Session } from "./run/session.js";
export { type AdamOptions, type AdamState, adam, adamW } from "./train/adam.js";
export { createCachedStep } from "./train/cached-step.js";
export { globalNorm } from "./train/clip.js";
export { createDeviceStep } from "./train/device-step.js";
export type { Follower } from "./train/follower.js";
export { type Gradients, type Loss, valueAndGradients } from "./train/gradient.js";
export type { LossInParts } from "./train/loss-in-parts.js";
export type { Optimizer, ParameterGroup } from "./train/optimizer.js";
export { anyoneAsked, noPeers, type Peers } from "./train/peers.js";
export { constantRate, multiStep, type Schedule, stepDecay, warmupCosine } from "./train/schedule.js";
export { createTrainStep } from "./train/train-step.js";
export type { LossScale, StepReport, TrainState, TrainStep, TrainStepOptions } from "./train/update.js";
export type { AdapterInfo, GpuEntry } from "./webgpu/adapter.js";
export { webGpuOperators } from "./webgpu/lower.js";
export type { MatrixUnits } from "./webgpu/matrix-units.js";
export type { Plan, PlanLimits } from "./webgpu/plan.js";
export { type DispatchCost, planCosts } from "./webgpu/plan-costs.js";
export {
  createWebGpuRuntime,
  type PlannedFunction,
  planFunction,
  type WebGpuOptions,
  type WebGpuRuntime,
} from "./webgpu/webgpu-runtime.js";
