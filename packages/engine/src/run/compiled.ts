import { type CompileOptions, compile } from "../compile/compile.js";
import type { Execute } from "./program.js";

/** Runs functions compiled, on ONNX Runtime. */
export function compiled(options: CompileOptions = {}): Execute {
  return (fn, example) => compile(fn, example, options);
}
