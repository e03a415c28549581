import { createRng, type FloatTensor, type HostTensor, KdcError, type Rng } from "@kdc-mae/core";
import {
  differingSizes,
  type EncoderParams,
  initClassifier,
  loadEncoder,
  loadImageMae,
  type ModelConfig,
  presets,
  storedSizes,
  type TensorFile,
  withoutPrefix,
} from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import type { Statistics } from "../corpus/batch.js";
import { inCheckpoint } from "../run/in-checkpoint.js";
import { notesIn } from "../run/metadata.js";
import { configFor } from "../run/model-file.js";
import type { CheckedFineTuning } from "./schema.js";

/** Where fine-tuning begins. */
export type Start = {
  readonly config: ModelConfig;
  readonly encoder: EncoderParams<FloatTensor>;
  /** What the checkpoint was normalised with, where it says so. */
  readonly statistics?: Statistics;
  readonly notes: readonly string[];
};

/** The fields two models must share for one's encoder to be the other's. */
const encoderFields = [
  ...(["embedDim", "heads", "modalityDepth", "jointDepth"] as const),
  ...(["audio", "visual", "positions", "visualLocality"] as const),
] as const;

/**
 * Reads the encoder of any checkpoint (kdc-mae's own, official CAV-MAE or KDC-MAE, ImageNet MAE, fine-tuned ones), or
 * begins from nothing where none is given.
 *
 * @throws KdcError for a checkpoint of another size than the experiment says, or when nobody says a size
 */
export async function readStart(experiment: CheckedFineTuning, path: string | undefined): Promise<Start> {
  const wanted = experiment.model === undefined ? undefined : configFor({ model: experiment.model });
  const rng = createRng(experiment.seed).fork("init");
  if (path === undefined) {
    const config =
      wanted ?? refuseSize("no checkpoint", "neither --init nor the experiment says what size the model has");
    return { config, encoder: initClassifier(config, 1, rng).encoder, notes: ["the encoder starts from nothing"] };
  }
  const { tensors, metadata } = await readCheckpoint(path);
  const written = notesIn(path, metadata);
  const given = written.config();
  if (given !== undefined && wanted !== undefined) expectSameSize(path, given, wanted);
  const config = given ?? wanted ?? refuseUnsaid(path, tensors);
  const { encoder, notes } = inCheckpoint(path, () => encoderIn(config, tensors, rng));
  const statistics = written.statistics();
  return { config, encoder, notes, ...(statistics === undefined ? {} : { statistics }) };
}

/** Files with a class token are ImageNet MAEs. */
function encoderIn(
  config: ModelConfig,
  tensors: Readonly<Record<string, HostTensor>>,
  rng: Rng,
): Pick<Start, "encoder" | "notes"> {
  if ("cls_token" in tensors) {
    const { params, notes } = loadImageMae(config, tensors, rng);
    return { encoder: params.encoder, notes };
  }
  const { params, notes } = loadEncoder(config, tensors);
  return { encoder: params, notes };
}

/** Shapes tell a size but for its heads, so it is proposed and not taken. */
function refuseUnsaid(path: string, tensors: TensorFile["tensors"]): never {
  const sizes = storedSizes(withoutPrefix(tensors));
  const told = Object.entries(sizes).map(([name, value]) => `${name} ${value}`);
  const fitting = Object.keys(presets).find((name) => {
    const config = presets[name as keyof typeof presets];
    return differingSizes(config, sizes).length === 0;
  });
  throw new KdcError({
    where: `checkpoint ${path}`,
    what: `it does not say what size its model has${told.length > 0 ? `; its shapes say ${told.join(", ")}` : ""}`,
    remedy:
      told.length > 0 && fitting !== undefined
        ? `These are the sizes of preset ${fitting}: --set model.preset=${fitting}`
        : "Set the size, such as --set model.preset=base",
    reason: "config",
  });
}

function refuseSize(where: string, what: string): never {
  throw new KdcError({ where, what, remedy: "Set the size, such as --set model.preset=base", reason: "config" });
}

function expectSameSize(path: string, given: ModelConfig, wanted: ModelConfig): void {
  const text = (value: unknown) => JSON.stringify(value) ?? "absent";
  const differing = encoderFields.filter((field) => text(given[field]) !== text(wanted[field]));
  if (differing.length === 0) return;
  throw new KdcError({
    where: `checkpoint ${path}`,
    what: `it is of another size than the experiment: ${differing
      .map((field) => `${field} is ${text(given[field])}, not ${text(wanted[field])}`)
      .join("; ")}`,
    remedy: "Give a checkpoint of the experiment's size, or leave model out of the experiment (--set model=null)",
    reason: "config",
  });
}
