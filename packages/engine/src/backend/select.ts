import "./register.js";
import { KdcError } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { mendWasmKernels } from "./wasm-kernels.js";

/** tfjs backends for eager running. `tensorflow` is TensorFlow's own library, through tfjs-node-gpu or tfjs-node. */
export type BackendName = "tensorflow" | "wasm" | "cpu";

/** What was found out about one backend. `reason` says why it is or is not usable, `remedy` how to get it. */
export type BackendReport = {
  readonly name: BackendName;
  readonly usable: boolean;
  readonly reason: string;
  readonly remedy: string;
};

const nodePackages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"];

const remedies: Readonly<Record<BackendName, string>> = {
  tensorflow:
    "Add @tensorflow/tfjs-node (or @tensorflow/tfjs-node-gpu with CUDA) to your project with its build script allowed, on Node 18 to 22; or choose the compiled engine",
  wasm: "Add @tensorflow/tfjs-backend-wasm to your project; it is good for small inputs only",
  cpu: "Reinstall @tensorflow/tfjs",
};

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0];

/** Optional packages are imported by a name the type checker cannot follow, because they may be absent. */
const importOptional = async (name: string): Promise<void> => {
  await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
};

const loaders: Readonly<Record<BackendName, () => Promise<string>>> = {
  tensorflow: async () => {
    // A program may load tfjs-node itself, from wherever it is; null, whatever its type says, where none did.
    if (tf.findBackendFactory("tensorflow")) return "loaded by the program itself";
    const failures: string[] = [];
    for (const name of nodePackages) {
      try {
        await importOptional(name);
        return `${name} is loaded`;
      } catch (error) {
        failures.push(`${name}: ${firstLine(error)}`);
      }
    }
    throw new Error(failures.join("; "));
  },
  wasm: async () => {
    await importOptional("@tensorflow/tfjs-backend-wasm");
    mendWasmKernels();
    return "@tensorflow/tfjs-backend-wasm is loaded; right for small inputs, tens of times too slow to train on";
  },
  cpu: async () => "plain JavaScript, always there; right for tests",
};

const outcomes = new Map<BackendName, Promise<BackendReport>>();

const activate = async (name: BackendName): Promise<void> => {
  if (!(await tf.setBackend(name))) throw new Error("the backend did not start");
  await tf.ready();
};

/** The cpu backend greets its first tensor with advice on the console, which is not a library's place. */
const silenceGreeting = (): void => {
  const production = tf.env().getBool("PROD");
  tf.env().set("PROD", true);
  tf.scalar(0).dispose();
  tf.env().set("PROD", production);
};

const examine = async (name: BackendName): Promise<BackendReport> => {
  const remedy = remedies[name];
  const previous = tf.getBackend();
  try {
    const reason = await loaders[name]();
    await activate(name);
    if (name === "cpu") silenceGreeting();
    return { name, usable: true, reason, remedy };
  } catch (error) {
    return { name, usable: false, reason: firstLine(error), remedy };
  } finally {
    if (previous) await tf.setBackend(previous);
  }
};

const outcome = (name: BackendName): Promise<BackendReport> => {
  const known = outcomes.get(name) ?? examine(name);
  outcomes.set(name, known);
  return known;
};

/**
 * Tries every backend and says of each whether it can be used, why, and how to get it. The current one stays current.
 *
 * @example
 * ```ts
 * import { surveyBackends } from "@kdc-mae/engine";
 *
 * for (const { name, usable, reason } of await surveyBackends()) console.log(name, usable, reason);
 * ```
 */
export async function surveyBackends(): Promise<readonly BackendReport[]> {
  const reports: BackendReport[] = [];
  // One after the other: each becomes current for a moment.
  for (const name of ["tensorflow", "wasm", "cpu"] as const) reports.push(await outcome(name));
  return reports;
}

/**
 * Makes a backend the current one.
 *
 * @throws KdcError with the reason and the remedy when it cannot be used; no other is taken in its place
 */
export async function selectBackend(name: BackendName): Promise<void> {
  const report = await outcome(name);
  if (!report.usable) {
    throw new KdcError({
      where: "selectBackend",
      what: `the tfjs backend ${name} cannot be used: ${report.reason}`,
      remedy: report.remedy,
      reason: "backend",
    });
  }
  if (tf.getBackend() !== name) await activate(name);
}
