import type { ParameterGroup } from "@kdc-mae/engine";
import type { ModelConfig } from "@kdc-mae/model";
import type { CheckedFineTuning } from "./schema.js";

/**
 * Which parts of a classifier learn at what multiple of the rate. With `layerDecay` d, the head learns at `headRate`, the
 * last joint block at d, each layer before it at d times less, embeddings least (BEiT, Bao et al. 2022; MAE, He et al.
 * 2022, appendix A.2). A modality's blocks and the joint ones count as one stack; norms after it learn as the head's
 * neighbours, undiminished.
 */
export function rateGroups(
  { modalityDepth, jointDepth }: Pick<ModelConfig, "modalityDepth" | "jointDepth">,
  { headRate, layerDecay }: Pick<CheckedFineTuning["optimizer"], "headRate" | "layerDecay">,
): readonly ParameterGroup[] {
  const head: ParameterGroup = { paths: /^head\./, rate: headRate };
  if (layerDecay === undefined) return [head];
  const layers = modalityDepth + jointDepth + 1;
  const layer = (paths: string, index: number): ParameterGroup => ({
    paths: new RegExp(`^encoder\\.${paths}`),
    rate: layerDecay ** (layers - index),
  });
  return [
    head,
    ...Array.from({ length: modalityDepth }, (_, at) => layer(`(audio|visual)\\.blocks\\.${at}\\.`, at + 1)),
    ...Array.from({ length: jointDepth }, (_, at) => layer(`joint\\.blocks\\.${at}\\.`, modalityDepth + at + 1)),
    layer("((audio|visual)\\.|registers$)", 0),
  ];
}
