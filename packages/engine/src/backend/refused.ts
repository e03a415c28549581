import { KdcError } from "@kdc-mae/core";
import { getKernel, type KernelFunc, registerKernel, type TensorInfo, unregisterKernel } from "@tensorflow/tfjs-core";

export type Given = Parameters<KernelFunc>[0];

export const attribute = (given: Given, name: string): unknown => (given.attrs as Record<string, unknown>)[name];
export const input = (given: Given, name: string) => given.inputs[name] as TensorInfo;
export const ofNothing = (given: Given): boolean => input(given, "x").shape.includes(0);
export const goesBack = (given: Given): boolean =>
  (attribute(given, "strides") as readonly number[]).some((stride) => stride < 0);

/** Batch axes of a product as tfjs goes through them: those of the smaller one again and again, whichever axis is one. */
const batchesMisread = (given: Given): boolean => {
  const [a, b] = ["a", "b"].map((name) => {
    const sizes = input(given, name).shape.slice(0, -2);
    const first = sizes.findIndex((size) => size !== 1);
    return first < 0
      ? ""
      : sizes
          .slice(first)
          .map((size) => `,${size}`)
          .join("");
  });
  return a !== "" && b !== "" && !a.endsWith(b) && !b.endsWith(a);
};

/** Cases that tfjs's cpu and wasm backends compute wrongly without a word. */
const refused: Readonly<Record<string, (given: Given) => boolean>> = {
  // Of one row it counts how often, and not whether.
  DenseBincount: (given) => attribute(given, "binaryOutput") === true && input(given, "x").shape.length === 1,
  // They say 0, which no mean of nothing is, and false.
  ...{ Mean: ofNothing, All: ofNothing },
  // Where an axis is taken out, put in or passed over as well.
  StridedSlice: (given) =>
    goesBack(given) && ["shrinkAxisMask", "newAxisMask", "ellipsisMask"].some((mask) => attribute(given, mask) !== 0),
  ...{ BatchMatMul: batchesMisread, _FusedMatMul: batchesMisread },
};

/** Has a backend refuse what its kernels compute wrongly. Nothing is done for kernels that it does not have. */
export function refuseWrong(backendName: string): void {
  for (const [kernelName, isWrong] of Object.entries(refused)) {
    const known = getKernel(kernelName, backendName);
    if (known === undefined) continue;
    unregisterKernel(kernelName, backendName);
    const kernelFunc: KernelFunc = (given) => {
      if (!isWrong(given)) return known.kernelFunc(given);
      throw new KdcError({
        where: `tfjs's ${backendName} backend, kernel ${kernelName}`,
        what: "it computes this case wrongly and does not say so",
        remedy: "Use the compiled engine",
        reason: "backend",
      });
    };
    registerKernel({ ...known, kernelFunc });
  }
}
