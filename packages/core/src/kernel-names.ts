/**
 * Kernels of our own that the model asks for where the current tfjs backend has them (the compiler's recording
 * backend does) and otherwise builds from tfjs primitives. Inputs and outputs:
 *
 * - `layerNorm` inputs `{ x [.., D], gain [D], bias [D] }`, attrs `{ epsilon }`
 *   → `[y [.., D], mean [.., 1], inverseDeviation [.., 1]]`
 * - `layerNormGradient` inputs `{ x, gain, mean, inverseDeviation, dy }`, mean and inverse deviation what `layerNorm` gave
 *   → `[dx, dgain [D], dbias [D]]`
 * - `gelu` (exact, erf) inputs `{ x }` → y
 * - `geluGradient` inputs `{ x, dy }` → dx
 * - `attention` inputs `{ q [G, N, d], k [G, M, d], v [G, M, d] }`, queries already scaled → softmax(q kᵀ) v `[G, N, d]`
 * - `attentionGradient` inputs `{ q, k, v, y, dy }`, y what `attention` gave → `[dq, dk, dv]`
 * - `onceMore` inputs `{ x, 0, 1, … }` → x: a value of its own, there once the others are; what is made of it is made again
 */
export const fusedKernels = {
  layerNorm: "KdcLayerNorm",
  layerNormGradient: "KdcLayerNormGradient",
  gelu: "KdcGelu",
  geluGradient: "KdcGeluGradient",
  attention: "KdcAttention",
  attentionGradient: "KdcAttentionGradient",
  onceMore: "KdcOnceMore",
} as const;
