import { KdcError } from "./error.js";

/** Anything with a shape: a tfjs tensor, a {@link HostTensor}, or a plain record. */
export type Shaped = { readonly shape: readonly number[] };

/**
 * Checks a shape against a pattern such as `"B N 256"` and returns what each letter stood for.
 * A number must match exactly, a letter matches any size but the same one each time, `_` matches anything.
 * Sizes already known may be passed in `known`.
 *
 * @throws KdcError naming the caller, the argument, the pattern and the shape that came.
 *
 * @example
 * ```ts
 * import { expectShape, float32 } from "@kdc-mae/core";
 *
 * const { B } = expectShape("embed", "patches", float32([4, 512, 256]), "B 512 256"); // 4
 * ```
 */
export function expectShape(
  where: string,
  name: string,
  value: Shaped,
  pattern: string,
  known: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const symbols = pattern.split(" ").filter((symbol) => symbol !== "");
  const sizes: Record<string, number> = { ...known };
  const refuse = (detail: string): never => {
    throw new KdcError({
      where,
      what: `${name} has shape [${value.shape.join(", ")}], expected [${symbols.join(", ")}]: ${detail}`,
      remedy: `Pass ${name} with shape [${symbols.map((symbol) => sizes[symbol] ?? symbol).join(", ")}]`,
      reason: "shape",
    });
  };
  if (value.shape.length !== symbols.length) refuse(`rank ${value.shape.length} is not ${symbols.length}`);
  for (const [axis, symbol] of symbols.entries()) {
    const size = value.shape[axis];
    if (symbol === "_") continue;
    const wanted = /^\d+$/.test(symbol) ? Number(symbol) : sizes[symbol];
    if (wanted === undefined) sizes[symbol] = size;
    else if (wanted !== size) refuse(`axis ${axis} (${symbol}) is ${size}, not ${wanted}`);
  }
  return sizes;
}

/**
 * Number of values in a shape.
 *
 * @example
 * ```ts
 * import { sizeOf } from "@kdc-mae/core";
 *
 * sizeOf([2, 3, 4]); // 24
 * ```
 */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
