export { type BackendName, type BackendReport, selectBackend, surveyBackends } from "./backend/select.js";
export { type CompiledProgram, type CompileOptions, compile } from "./compile/compile.js";
export type { Attribute, ElementType, GraphConstant, GraphNode, GraphPort, OnnxGraph } from "./compile/graph.js";
export type { GraphBuilder, NodeRequest, Value } from "./compile/graph-builder.js";
export type { KernelCall, KernelRule, KernelRules } from "./compile/kernel-rule.js";
export { knownKernels, registerKernelRule } from "./compile/kernel-table.js";
export { onnxModel } from "./compile/onnx-model.js";
export { type Trace, trace } from "./compile/trace.js";
export { compiled } from "./run/compiled.js";
export { eager } from "./run/eager.js";
export { comparePrograms, type OutputDifference } from "./run/parity.js";
export type { Execute, Hosted, Program } from "./run/program.js";
export { createSession, type Device, listDevices, type Session, type SessionOptions } from "./run/session.js";
export { type AdamOptions, type AdamState, adam, adamW } from "./train/adam.js";
export { clipScale, globalNorm } from "./train/clip.js";
export { type Gradients, type Loss, valueAndGradients } from "./train/gradient.js";
export type { Optimizer, ParameterGroup } from "./train/optimizer.js";
export { constantRate, multiStep, type Schedule, stepDecay, warmupCosine } from "./train/schedule.js";
export {
  createTrainStep,
  type StepReport,
  type TrainState,
  type TrainStep,
  type TrainStepOptions,
} from "./train/train-step.js";
