import { float32, isKdcError } from "@kdc-mae/core";
import { add, matMul, type Tensor2D } from "@tensorflow/tfjs-core";
import { compile } from "./compile.js";
import { type Device, listDevices, remedyFor } from "./node-session.js";

/** What was found out about one device, by computing something on it. */
export type DeviceReport = {
  readonly name: Device;
  readonly usable: boolean;
  readonly reason: string;
  readonly remedy: string;
};

/** (x·x + 1) of the numbers 1 … 4. */
const question = float32([2, 2], Float32Array.of(1, 2, 3, 4));
const answer = [8, 11, 16, 23];

const examine = async (name: Device): Promise<DeviceReport> => {
  const remedy = remedyFor(name);
  if (!listDevices().includes(name)) {
    return { name, usable: false, reason: "this build of ONNX Runtime does not have it", remedy };
  }
  try {
    const program = await compile((x: Tensor2D) => add(matMul(x, x), 1), question, { device: name, threads: 1 });
    const { data } = await program.run(question);
    await program.dispose();
    const right = answer.every((value, index) => Math.abs(value - data[index]) < 1e-3);
    const reason = right ? "a small program computed what it should" : `a small program gave ${[...data].join(", ")}`;
    return { name, usable: right, reason, remedy };
  } catch (error) {
    return { name, usable: false, reason: isKdcError(error) ? error.what : String(error), remedy };
  }
};

/**
 * Tries every device ONNX Runtime may compute on, and says of each whether it works here, why, and how to get it. A
 * device in the build may still lack its driver or libraries: only a session that ran has shown that it works.
 */
export async function surveyDevices(): Promise<readonly DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const name of ["cpu", "webgpu", "cuda"] as const) reports.push(await examine(name));
  return reports;
}
