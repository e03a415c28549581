import { createRng, type FloatTensor, type HostTensor, KdcError, type Rng } from "@kdc-mae/core";
import {
  type EncoderParams,
  initClassifier,
  loadEncoder,
  loadImageMae,
  type ModelConfig,
  withoutPrefix,
} from "@kdc-mae/model";
import { z } from "zod";
import { framesIn, type Pairing } from "../corpus/clip-form.js";
import type { Statistics } from "../corpus/statistics.js";
import { model, visual } from "../experiment/schema.js";
import { type Assume, assumptionLine } from "../run/assume.js";
import { expectOwnGrids } from "../run/expect-own-grids.js";
import { inCheckpoint } from "../run/in-checkpoint.js";
import { notesIn } from "../run/metadata.js";
import { configFor } from "../run/model-file.js";
import { officialShape } from "../run/official-shape.js";
import { framesHeard, pairingOf } from "../run/pairing.js";
import { expectNothingAssumed, type ReadOptions } from "../run/read-saved.js";
import { tensorsOfModel } from "../run/tensors-of-model.js";
import type { Surroundings } from "../surroundings.js";
import type { CheckedFineTuning } from "./schema.js";

/** Where fine-tuning begins. */
export type Start = {
  readonly config: ModelConfig;
  readonly encoder: EncoderParams<FloatTensor>;
  /** Which sound goes with a picture: as the experiment says, else as the checkpoint was trained. */
  readonly visual: CheckedFineTuning["visual"];
  /** What the checkpoint was normalised with, where it says so. */
  readonly statistics?: Statistics;
  readonly notes: readonly string[];
};

/** How the experiment that made a checkpoint paired sound with pictures, where it says so. */
function pairingIn(experiment: unknown): Pairing | undefined {
  const said = z.looseObject({ model: model.optional(), visual }).safeParse(experiment);
  return said.success ? pairingOf(said.data) : undefined;
}

/**
 * Which sound goes with a picture: what the experiment says, else what the model was trained with.
 *
 * @throws KdcError (`config`) for another window than the model hears
 */
function pairedAs({ model, visual }: CheckedFineTuning, config: ModelConfig, before: Pairing = {}): Start["visual"] {
  const { window = before.window } = visual;
  if (window === undefined) return visual;
  if (framesIn(window) !== framesHeard(config)) {
    throw new KdcError({
      where: "visual.window",
      what: `it is ${window} s and the model hears ${framesHeard(config) / framesIn(1)} s`,
      remedy: "Leave it out to pair pictures and sound as the checkpoint was trained",
      reason: "config",
    });
  }
  const { seconds = before.seconds ?? pairingOf({ model, visual: { window } }).seconds } = visual;
  return { ...visual, window, seconds };
}

/** The fields two models must share for one's encoder to be the other's. */
const encoderFields = [
  ...(["embedDim", "heads", "modalityDepth", "jointDepth"] as const),
  ...(["audio", "visual", "positions", "visualLocality", "pruned"] as const),
  ...(["globalToken", "registers", "contrastHeads"] as const),
] as const;

/**
 * Reads the encoder of any checkpoint (kdc-mae's own, official CAV-MAE or KDC-MAE, ImageNet MAE, fine-tuned ones), or
 * begins from nothing where none is given.
 *
 * @throws KdcError for a checkpoint of another size than the experiment says, or when nobody says a size
 */
export async function readStart(
  experiment: CheckedFineTuning,
  path: string | undefined,
  { assume = {}, ...around }: Surroundings & Pick<ReadOptions, "assume"> = {},
): Promise<Start> {
  const { model, visual } = experiment;
  const wanted = model === undefined ? undefined : configFor({ model, visual });
  const rng = createRng(experiment.seed).fork("init");
  if (path === undefined) {
    const config =
      wanted ?? refuseSize("no checkpoint", "neither --init nor the experiment says what size the model has");
    const { encoder } = initClassifier(config, 1, rng);
    return { config, encoder, visual: pairedAs(experiment, config), notes: ["the encoder starts from nothing"] };
  }
  const { tensors, metadata } = await tensorsOfModel(path, around);
  const written = notesIn(path, metadata);
  const isImageMae = withoutPrefix(tensors).has("cls_token");
  const given = isImageMae ? undefined : written.config();
  if (given !== undefined && wanted !== undefined) expectSameSize(path, given, wanted);
  if (given !== undefined) expectOwnGrids(path, given, tensors);
  if (given === undefined && wanted === undefined && !isImageMae) {
    const { config, statistics, assumed, pairing } = officialShape(path, tensors, assume);
    const { encoder, notes } = inCheckpoint(path, () => encoderIn(config, tensors, rng));
    const own = pairedAs(experiment, config, pairing);
    return { config, encoder, statistics, visual: own, notes: [...notes, ...assumed.map(assumptionLine)] };
  }
  if (given !== undefined || isImageMae) expectNothingAssumed(path, { assume });
  else expectSizeAssumedOnce(path, assume);
  const unsaid = () =>
    refuseSize(`checkpoint ${path}`, "an image MAE does not say how its blocks go to branches and joint stack");
  const config = given ?? wanted ?? unsaid();
  const { encoder, notes } = inCheckpoint(path, () => encoderIn(config, tensors, rng));
  const statistics = written.statistics();
  const own = pairedAs(experiment, config, pairingIn(written.experiment()));
  return { config, encoder, visual: own, notes, ...(statistics === undefined ? {} : { statistics }) };
}

/** @throws KdcError (`usage`) where the experiment already says what would be assumed */
function expectSizeAssumedOnce(path: string, assume: Assume): void {
  if (Object.keys(assume).length === 0) return;
  throw new KdcError({
    where: "--assume",
    what: `the experiment says what model ${path} is`,
    remedy: "Leave --assume out, or the model out of the experiment: --set model=null",
    reason: "usage",
  });
}

/** Files with a class token are ImageNet MAEs. */
function encoderIn(
  config: ModelConfig,
  tensors: Readonly<Record<string, HostTensor>>,
  rng: Rng,
): Pick<Start, "encoder" | "notes"> {
  if (withoutPrefix(tensors).has("cls_token")) {
    const { params, notes } = loadImageMae(config, tensors, rng);
    return { encoder: params.encoder, notes };
  }
  const { params, notes } = loadEncoder(config, tensors);
  return { encoder: params, notes };
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
