import { eager, type Runtime, surveyBackends } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { Execution } from "./parity.js";

/**
 * Both ways to run: eager on TensorFlow's own library where it is installed, else in plain JavaScript; and compiled.
 * With a runtime, that alone.
 */
export async function executions(runtime?: Runtime): Promise<readonly Execution[]> {
  if (runtime !== undefined) return [{ name: "compiled", execute: runtime.execute, on: runtime.name }];
  const native = (await surveyBackends()).some(({ name, usable }) => name === "tensorflow" && usable);
  const backend = native ? "tensorflow" : "cpu";
  return [
    { name: "eager", execute: eager(backend), on: `tfjs ${backend}` },
    { name: "compiled", execute: compiled({ device: "cpu" }), on: "ONNX Runtime, cpu" },
  ];
}
