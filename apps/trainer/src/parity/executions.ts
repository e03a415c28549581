import { eager, surveyBackends } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { Execution } from "./parity.js";

/** Both ways to run: eager on TensorFlow's own library where it is installed, else in plain JavaScript; and compiled. */
export async function bothExecutions(): Promise<readonly Execution[]> {
  const native = (await surveyBackends()).some(({ name, usable }) => name === "tensorflow" && usable);
  const backend = native ? "tensorflow" : "cpu";
  return [
    { name: "eager", execute: eager(backend), on: `tfjs ${backend}` },
    { name: "compiled", execute: compiled({ device: "cpu" }), on: "ONNX Runtime, cpu" },
  ];
}
