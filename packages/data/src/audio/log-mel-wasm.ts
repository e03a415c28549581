import { advance, type Code, countDown, startWasm, wasmModule } from "@kdc-mae/core/wasm";
import { type Pass, planPasses } from "./fft.js";
import { meansOfFrames, windowFrames } from "./wasm-frames.js";
import { melLogs } from "./wasm-mel-logs.js";
import { framesAtOnce, groups, ints, type KernelPlan, type Layout, layout, samples, v, vectors } from "./wasm-plan.js";
import { powers, transformPass } from "./wasm-transform.js";

/** Log-mel of whole frames: writes `frames` × melBins values to `out`. */
export type LogMelKernel = (samples: Float32Array, frames: number, out: Float32Array) => void;

function assemble(plan: KernelPlan, passes: readonly Pass[], at: Layout): Uint8Array {
  let from = at.frames[0];
  const transform = passes.flatMap((pass, index) => {
    const to = at.frames[1 + (index % 2)];
    const code = transformPass(pass, from, to, at.twiddles[index]);
    from = to;
    return code;
  });
  const group: Code = [
    ...[...meansOfFrames(plan, at), ...windowFrames(plan, at), ...transform],
    ...[...powers(from, at, plan.size), ...melLogs(plan, at)],
    ...advance(samples, 4 * 4 * plan.shift),
  ];
  return wasmModule({ parameters: 3, ints, vectors }, countDown(groups, group));
}

/** Writes the tables that the code reads. */
function fillTables(memory: ArrayBuffer, plan: KernelPlan, passes: readonly Pass[], at: Layout): void {
  const floats = new Float32Array(memory);
  const integers = new Int32Array(memory);
  floats.set(plan.window, at.window / 4);
  for (const [index, { twiddles }] of passes.entries()) floats.set(twiddles, at.twiddles[index] / 4);
  const { first, offset, weights } = plan.bank;
  let weight = at.weights / 4;
  for (let m = 0; m < plan.melBins; m++) {
    const own = weights.subarray(offset[m], offset[m + 1]);
    // A filter narrower than a bin holds none: one weight of 0 lets the loop run as for the others.
    const count = Math.max(1, own.length);
    integers.set([at.power + v * first[m], count], at.filters / 4 + 2 * m);
    floats.set(own, weight);
    weight += count;
  }
}

/**
 * Log-mel in 128-bit WebAssembly, assembled here for one plan: four frames at a time, one per lane, every operation of
 * the plain code in the same order, so that the energies are equal bit by bit. Undefined where the host has no
 * WebAssembly or no SIMD.
 */
export function wasmLogMel(plan: KernelPlan): LogMelKernel | undefined {
  const { size, window, shift, melBins } = plan;
  const passes = planPasses(size);
  const at = layout(plan, passes);
  const started = startWasm(assemble(plan, passes, at), at.total());
  if (started === undefined) return undefined;
  const { memory, run } = started;
  fillTables(memory, plan, passes, at);
  const floats = new Float32Array(memory);
  return (sound, frames, to) => {
    for (let first = 0; first < frames; first += framesAtOnce) {
      const count = Math.min(framesAtOnce, frames - first);
      floats.set(sound.subarray(first * shift, (first + count - 1) * shift + window.length), at.samples / 4);
      run(at.samples, at.out, Math.ceil(count / 4));
      to.set(floats.subarray(at.out / 4, at.out / 4 + count * melBins), first * melBins);
    }
  };
}
