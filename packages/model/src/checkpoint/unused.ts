/**
 * Names that official checkpoints carry and no forward pass of the published method reads. They are ignored by name,
 * so that any other extra name is still an error. Counted on the official classes: 48 per CAV-MAE file at
 * modalityDepth 2 + 2 and decoderDepth 2 (8 in every block that is not joint), 66 more in a KDC-MAE file.
 */
const patterns: readonly RegExp[] = [
  // Every official block makes norms for three streams; only joint blocks use the second and third.
  /^(blocks_a|blocks_v|decoder_blocks|constrative_head_audio|constrative_head_visual)\.\d+\.norm[12]_[av]\.(weight|bias)$/,
  // Decoders and masks per modality, made beside the shared ones.
  /^decoder_embed_(audio|video)\.(weight|bias)$/,
  /^mask_token_(audio|video)$/,
  // Projections and probability networks of abandoned ideas.
  /^latent_projection\.(weight|bias)$/,
  /^kld_mlp\.[02]\.(weight|bias)$/,
  /^pos_embed_probs_[av]$/,
  /^(probability_network\.probability_network|get_token_probs)\.0\.norm[12](_[av])?\.(weight|bias)$/,
  /^(probability_network\.probability_network|get_token_probs)\.0\.(attn\.qkv|attn\.proj|mlp\.fc1|mlp\.fc2)\.(weight|bias)$/,
  /^(probability_network\.probability_network|get_token_probs)\.1\.(weight|bias)$/,
  // Loss weights that belong to an objective, not to a model.
  /^(log_noise|noise_param)_(mae|c|latent|classification|AA|VV|AV|a|v)$/,
  /^(dw_fc[1-4]?|fc)\.(weight|bias)$/,
  // Left by the script that starts CAV-MAE from an ImageNet MAE.
  /^cls_token_(a|v|av)$/,
];

/** True for a name known to be unused. */
export const isUnused = (name: string): boolean => patterns.some((pattern) => pattern.test(name));
