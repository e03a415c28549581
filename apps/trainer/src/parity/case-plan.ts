import { KdcError } from "@kdc-mae/core";
import { type BuiltinEntry, type BuiltinOptions, kdcMae } from "@kdc-mae/losses";
import type { Departure, ModelConfig } from "@kdc-mae/model";
import type { ReferenceCase, Tensors } from "./reference-folder.js";

/** How one case of a reference folder is computed here. */
export type CasePlan = {
  readonly views: number;
  readonly disjoint: boolean;
  readonly entries: readonly BuiltinEntry[];
  readonly reconstruction: BuiltinOptions["reconstruction-audio"];
  readonly distillation: BuiltinOptions["view-distillation"];
  readonly compat: readonly Departure[];
  /** What the case's model has beside the folder's sizes. */
  readonly tokens: Pick<ModelConfig, "globalToken" | "registers" | "contrastHeads">;
};

/** Words a case's name may begin with, and what they say where its flags say nothing. */
const bases: Readonly<Record<string, { views: number; disjoint: boolean; contrastive: boolean }>> = {
  complementary: { views: 2, disjoint: true, contrastive: true },
  independent: { views: 2, disjoint: false, contrastive: true },
  triple: { views: 3, disjoint: true, contrastive: true },
  cavmae: { views: 1, disjoint: true, contrastive: true },
  avmae: { views: 1, disjoint: true, contrastive: false },
};
const additions = ["official", "normpix", "aavv"];
/** Flags of CAV-MAE Sync's class; a case that has any of them is one view of it, whatever its name. */
const syncFlags = ["cls_token", "num_register_tokens", "contrastive_heads", "global_local_losses"];
const knownFlags = ["dual_mask", "triple_mask", "complementary", "norm_pix_loss", "AAVV", ...syncFlags];

function refuse(name: string, what: string): never {
  throw new KdcError({
    where: `case ${name}`,
    what,
    remedy: `Known cases are ${Object.keys(bases).join(", ")}, with _${additions.join(", _")}, and the flags ${knownFlags.join(", ")}`,
    reason: "unknown-case",
  });
}

/**
 * Reads how a case was made: its flags count, and its name where they say nothing. The reference itself shows whether
 * its audio and visual streams went through the whole joint stack: if not, the norms they have in the first joint
 * block got no gradient.
 *
 * @param tensors of the case's file, or of another's that {@link trainsStreams}
 * @throws KdcError for a name or a flag that is not known
 */
export function planCase(name: string, { flags }: Pick<ReferenceCase, "flags">, tensors: Tensors): CasePlan {
  const isSync = syncFlags.some((flag) => flag in flags);
  const [base, ...words] = isSync ? ["cavmae"] : name.split("_");
  if (!Object.hasOwn(bases, base) || words.some((word) => !additions.includes(word))) {
    return refuse(name, "this case is not known, so nothing was compared");
  }
  const unknown = Object.keys(flags).filter((flag) => flags[flag] && !knownFlags.includes(flag));
  if (unknown.length > 0) refuse(name, `it was made with ${unknown.join(", ")}, which is not known`);
  const asked = (flag: string, otherwise: boolean) => (flags[flag] === undefined ? otherwise : Boolean(flags[flag]));

  const known = bases[base];
  const views = asked("triple_mask", known.views === 3) ? 3 : asked("dual_mask", known.views === 2) ? 2 : 1;
  const reconstruction = { normPixels: asked("norm_pix_loss", words.includes("normpix")) };
  const distillation: CasePlan["distillation"] = asked("AAVV", words.includes("aavv"))
    ? { streams: ["joint", "audio", "visual"] }
    : {};
  const compared = flags.global_local_losses ? "both" : "global";
  const contrastive: BuiltinOptions["contrastive"] = flags.cls_token ? { tokens: compared } : {};
  const entries = kdcMae.flatMap((entry): BuiltinEntry[] => {
    if (entry.term === "contrastive") return known.contrastive ? [{ ...entry, options: contrastive }] : [];
    if (entry.term === "view-distillation") return views > 1 ? [{ ...entry, options: distillation }] : [];
    return [{ ...entry, options: reconstruction }];
  });
  return {
    views,
    disjoint: asked("complementary", known.disjoint),
    entries,
    reconstruction,
    distillation,
    tokens: tokensOf(flags),
    compat: [
      ...(words.includes("official") ? (["misplaced-views"] as const) : []),
      ...(streamsAreChained(tensors) ? [] : (["unchained-streams"] as const)),
    ],
  };
}

/** The official class makes two blocks per contrast head. */
const tokensOf = (flags: ReferenceCase["flags"]): CasePlan["tokens"] => ({
  ...(flags.cls_token ? { globalToken: true } : {}),
  ...(flags.num_register_tokens ? { registers: Number(flags.num_register_tokens) } : {}),
  ...(flags.contrastive_heads ? { contrastHeads: 2 } : {}),
});

const hasGradient = (tensors: Tensors, name: string): boolean =>
  tensors[`grad.${name}`]?.data.some((value) => value !== 0) ?? false;

/** True if a case's file can tell how its streams were run: its loss looks at the audio or the visual tokens. */
export const trainsStreams = (tensors: Tensors): boolean =>
  Object.keys(tensors).some((key) => /^grad\.norm_[av]\.bias$/.test(key) && hasGradient(tensors, key.slice(5)));

/** False if the file shows that only the last joint block saw the audio and the visual stream alone. */
function streamsAreChained(tensors: Tensors): boolean {
  const several = Object.keys(tensors).some((key) => key.startsWith("grad.blocks_u.1."));
  return !several || !trainsStreams(tensors) || hasGradient(tensors, "blocks_u.0.norm1_a.weight");
}
