import { computesOn, type Execute, eager, type Runtime, surveyBackends } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { Execution } from "./parity.js";

/**
 * Both ways to run: eager on TensorFlow's own library where it is installed, else in plain JavaScript; and compiled.
 * With a runtime, that alone.
 */
export async function executions(runtime?: Runtime): Promise<readonly Execution[]> {
  const execution = (name: Execution["name"], execute: Execute) => ({ name, execute, on: computesOn(execute) ?? "" });
  if (runtime !== undefined) return [execution("compiled", runtime.execute)];
  const native = (await surveyBackends()).some(({ name, usable }) => name === "tensorflow" && usable);
  const backend = native ? "tensorflow" : "cpu";
  return [execution("eager", eager(backend)), execution("compiled", compiled({ device: "cpu" }))];
}
