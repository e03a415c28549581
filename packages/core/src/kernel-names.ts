/**
 * Kernels of our own that the model asks for where the current tfjs backend has them (the compiler's recording
 * backend does) and otherwise builds from tfjs primitives. Inputs and outputs:
 *
 * - `layerNorm` inputs `{ x [.., D], gain [D], bias [D] }`, attrs `{ epsilon }`
 *   → `[y [.., D], mean [.., 1], inverseDeviation [.., 1]]`
 * - `gelu` (exact, erf) inputs `{ x }` → y
 * - `geluGradient` inputs `{ x, dy }` → dx
 */
export const fusedKernels = {
  layerNorm: "KdcLayerNorm",
  gelu: "KdcGelu",
  geluGradient: "KdcGeluGradient",
} as const;
