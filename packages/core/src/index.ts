export { centreCrop } from "./centre-crop.js";
export type { Box, Clip, ClipItem, Frame, Waveform } from "./clip.js";
export { type ErrorParts, errorParts, isKdcError, KdcError } from "./error.js";
export type {
  Encoded,
  EncodedView,
  Evidence,
  LossReport,
  Reconstruction,
  Sampling,
  ViewEvidence,
} from "./evidence.js";
export { type FloatTensor, float32, type HostTensor, hostTensorFault, type IntTensor, int32 } from "./host-tensor.js";
export { fusedKernels } from "./kernel-names.js";
export { parseJson } from "./parse-json.js";
export { audioGrid, type ClipGrids, countPatches, type PatchGrid, patchLength, visualGrid } from "./patch-grid.js";
export type { HostPatches, Modality, Patches, Stream } from "./patches.js";
export { createRng, type Rng } from "./rng.js";
export { expectShape, type Shaped, sizeOf } from "./shape.js";
export { mapTree, type Tree, type TreeLike, treeLeaves } from "./tree.js";
export type { ClipView, HostView, Positions, View } from "./view.js";
export { visibleText } from "./visible-text.js";
