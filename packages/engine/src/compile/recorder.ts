import { KdcError } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { callSite } from "./call-site.js";
import type { ElementType } from "./graph.js";
import { createGraphBuilder, type GraphBuilder, type Value } from "./graph-builder.js";
import type { KernelRule } from "./kernel-rule.js";

const backendName = "kdc-mae-recorder";

type HostConstant = {
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
};

const elementType = (dtype: string, where: string): ElementType => {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new KdcError({
    where,
    what: `a tensor of type ${dtype} has no place in a compiled program`,
    remedy: "Use float32, int32 or bool tensors",
    reason: "dtype",
  });
};

const isConstant = (entry: Value | HostConstant): entry is HostConstant => "values" in entry;

/**
 * A tfjs backend that computes nothing: each kernel call becomes nodes of one graph. Values are kept by data id in a
 * weak map, so that `tf.tidy` may dispose tensors while the graph still needs what they stand for.
 */
class Recorder extends tf.KernelBackend {
  readonly graph: GraphBuilder;
  private readonly entries = new WeakMap<object, Value | HostConstant>();
  private readonly constants = new WeakMap<object, Value>();
  /** Variables from outside the function, and what each held when it was read. */
  private readonly captured = new Map<tf.Variable, object>();

  constructor(sites: boolean) {
    super();
    this.graph = createGraphBuilder(sites ? () => callSite(new Error().stack) : undefined);
  }

  /** A new data id for a value of the graph. */
  keep(value: Value): tf.TensorInfo {
    const dataId = {};
    this.entries.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: value.dtype as tf.DataType };
  }

  /** The value behind a tensor. Tensors made on another backend become constants, and stay where they are. */
  lookup(info: tf.TensorInfo): Value {
    if (info instanceof tf.Variable) this.captured.set(info, info.dataId);
    const entry = this.entries.get(info.dataId);
    if (entry && !isConstant(entry)) return entry;
    const known = this.constants.get(info.dataId);
    if (known) return known;
    const values = entry?.values ?? (tf.engine().readSync(info.dataId) as ArrayLike<number>);
    const made = this.graph.constant(values, info.shape, elementType(info.dtype, "compile"));
    this.constants.set(info.dataId, made);
    return made;
  }

  /** Throws once a variable that became a constant holds something else. */
  expectUnchanged(): () => void {
    const { captured } = this;
    return () => {
      for (const [variable, dataId] of captured) {
        if (variable.dataId === dataId) continue;
        throw new KdcError({
          where: "program.run",
          what: `the variable ${variable.name} was assigned after the function that reads it was compiled, which took its values for constants`,
          remedy: "Give the function its value as an input, or compile it again",
          reason: "variable",
        });
      }
    };
  }

  override write(values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype);
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): void {
    const size = tf.util.sizeFromShape(shape);
    const numbers = (values ?? new Float32Array(size)) as ArrayLike<number>;
    this.entries.set(dataId, { values: numbers, shape, dtype: elementType(dtype, "compile") });
  }

  override readSync(dataId: object): tf.BackendValues {
    const entry = this.entries.get(dataId);
    if (entry && isConstant(entry)) return entry.values as tf.BackendValues;
    throw new KdcError({
      where: callSite(new Error().stack) ?? "compile",
      what: "the values of a tensor are read while the function is being traced, before there are any",
      remedy:
        "Keep to tensor operations inside a compiled function, return the tensor and read it from the result, or run the function eagerly",
      reason: "read-while-tracing",
    });
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(): boolean {
    return true;
  }

  override refCount(): number {
    return 1;
  }

  override incRef(): void {}

  override numDataIds(): number {
    return 0;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {}
}

export type { Recorder };

const registerRules = (recorder: Recorder, rules: ReadonlyMap<string, KernelRule>): void => {
  for (const [kernelName, rule] of rules) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => {
        const present = Object.entries(inputs).filter(([, info]) => info !== undefined && info !== null);
        const values = present.map(([name, info]) => [name, recorder.lookup(info as tf.TensorInfo)] as const);
        const result = rule({
          kernel: kernelName,
          inputs: Object.fromEntries(values),
          list: values.map(([, value]) => value),
          attributes: attrs ?? {},
          graph: recorder.graph,
        });
        return Array.isArray(result)
          ? result.map((value: Value) => recorder.keep(value))
          : recorder.keep(result as Value);
      },
    });
  }
};

export type TraceOptions = {
  /** Keeps with each node the line that asked for it, which makes tracing slower. */
  readonly sites?: boolean;
};

/**
 * Runs `action` with a fresh recorder as the current tfjs backend; afterwards, error or not, the backend that was
 * current is current again and nothing of the recorder is left registered.
 */
export function withRecorder<Result>(
  rules: ReadonlyMap<string, KernelRule>,
  action: (recorder: Recorder) => Result,
  { sites = false }: TraceOptions = {},
): Result {
  const previous = tf.getBackend();
  const recorder = new Recorder(sites);
  tf.registerBackend(backendName, () => recorder);
  registerRules(recorder, rules);
  try {
    // The factory is synchronous, so the backend is in place when setBackend returns its promise.
    void tf.setBackend(backendName);
    return action(recorder);
  } finally {
    if (previous) void tf.setBackend(previous);
    for (const kernelName of rules.keys()) tf.unregisterKernel(kernelName, backendName);
    tf.removeBackend(backendName);
  }
}

/** The name of the kernel tfjs could not find on the recorder, if that is what an error says. */
export function missingKernel(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return error.message.match(new RegExp(`^Kernel '(.+)' not registered for backend '${backendName}'`))?.[1];
}
