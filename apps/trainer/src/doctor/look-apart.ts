import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BackendReport } from "@kdc-mae/engine";
import type { DeviceReport } from "@kdc-mae/engine/node";
import type { WebGpuLook } from "./look-at-webgpu.js";

/** What computes here, of what could. */
export type Computing = {
  readonly devices: readonly DeviceReport[];
  readonly webgpu: readonly WebGpuLook[];
  readonly backends: readonly BackendReport[];
  /** Why the tfjs-node that KDC_TFJS_NODE names cannot be loaded, where it cannot. */
  readonly named?: { readonly what: string; readonly remedy: string };
};

/** What tells the process that looks to test adapters whatever was found before. */
export const AGAIN = "again";

/** In words, how a process ended that should have answered. */
const ending = (code: number | null, signal: string | null): string =>
  signal === null ? `ended with ${code}` : `was ended by ${signal}`;

/**
 * Looks at devices and backends in a process of its own: native libraries write errors of theirs to the terminal, and a
 * broken driver may end the process.
 *
 * @param again whether adapters are tested whatever was found of them before
 * @throws Error when that process gives no answer, with the last it wrote
 */
export function lookApart(again = false): Promise<Computing> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), again ? [AGAIN] : [], {
      silent: true,
    });
    let [log, answer] = ["", undefined as Computing | undefined];
    child.stdout?.resume();
    child.stderr?.on("data", (chunk) => {
      log = `${log}${chunk}`.slice(-2000);
    });
    child.on("message", (message) => {
      answer = message as Computing;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (answer !== undefined) resolve(answer);
      else reject(new Error(`the process that looked ${ending(code, signal)}: ${log.trim().split("\n").at(-1)}`));
    });
  });
}
