import { compiledOn } from "./compile/compile.js";
import type { KernelRules } from "./compile/kernel-rule.js";
import { createSession } from "./onnxruntime/web-session.js";
import type { Execute } from "./run/runtime.js";

export { createSession } from "./onnxruntime/web-session.js";

/** Runs functions compiled, on onnxruntime-web: WebAssembly, for browsers. Inference and small trainings. */
export function compiled(options: { readonly rules?: KernelRules } = {}): Execute {
  return Object.assign(compiledOn(createSession, options.rules), { on: "ONNX Runtime, WebAssembly, float32" });
}
