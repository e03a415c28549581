// biome-ignore lint/suspicious/noTsIgnore: an optional peer: its types are any where it is missing
/** @ts-ignore */
import type { Tensor3D } from "@tensorflow/tfjs-core";
import type { FloatTensor } from "./host-tensor.js";

/** What a clip is made of: sound, and pictures. */
export type Modality = "audio" | "visual";

/** Which tokens go through the joint blocks: those of both modalities together, or of one alone. */
export type Stream = Modality | "joint";

/** Raw (already normalised) patch values of a batch. audio `[B, N, P]`, visual `[B, N, P]`; values inside a patch run [height, width, channel]. */
export type Patches = { readonly audio: Tensor3D; readonly visual: Tensor3D };

/** {@link Patches} in ordinary memory. */
export type HostPatches = { readonly audio: FloatTensor; readonly visual: FloatTensor };
