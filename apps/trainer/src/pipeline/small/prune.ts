import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { makeFolder, readJson, withLock } from "@kdc-mae/core/node";
import { compiled } from "@kdc-mae/engine/node";
import { type PruneShares, pruneEncoder } from "@kdc-mae/model";
import { protocolsNamed } from "../evaluate/protocols/run.js";
import { sharedOf } from "../evaluate/protocols/subject.js";
import { expectTaken } from "../evaluate/protocols/takes.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import { valueAt } from "../experiment/differing.js";
import { type PretrainFromOptions, type Pretraining, pretrain } from "../pretrain/from-experiment.js";
import { type ReadOptions, readSaved } from "../run/read-saved.js";
import { EXPERIMENT, inRunFolder } from "../run/run-folder.js";
import { saveClassifier } from "../run/save-classifier.js";
import { saveModel } from "../run/save-model.js";
import { localModel } from "../share/local-model.js";
import { quoted } from "../shell-word.js";
import { surroundingsOf } from "../surroundings.js";
import {
  type Comparable,
  type ComparedModel,
  compareModels,
  expectClipsFor,
  MEASURED,
  type MeasuredOn,
  writeComparison,
} from "./compare-models.js";

/** What is taken out of a model, and how it learns to do without. */
export type PruneOptions = Omit<PretrainFromOptions, "init" | "stopOnCollapse"> &
  Pick<ReadOptions, "assume"> & {
    /** Shares of the heads and of the MLP units of every block. */
    readonly shares: PruneShares;
    /** Training afterwards, as the model's own experiment says, for so many epochs; none: it is only made smaller. */
    readonly epochs: number;
    /** Laid over its own experiment for that training. */
    readonly changes?: readonly unknown[];
    /** Under which it is measured before, after, and once it has trained; none unless given. */
    readonly protocols?: readonly string[];
  };

/** How a pruning ended. */
export type Pruning = Omit<Pretraining, "model"> & {
  /** The model as it was made smaller, before any training. */
  readonly pruned: string;
  /** Whole, pruned, and trained models beside each other, where all are there. */
  readonly compared?: readonly ComparedModel[];
};

/** The file of the model that was made smaller and not trained since. */
const PRUNED_FILE = "pruned.safetensors";
const PRUNED_KEY = "model.pruned";

/** Whether a file lies in a folder or below it, whatever links lead there. */
async function liesIn(folder: string, file: string): Promise<boolean> {
  const [from, to] = await Promise.all([folder, file].map((path) => realpath(path).catch(() => resolve(path))));
  const path = relative(from, to);
  return !isAbsolute(path) && path !== ".." && !path.startsWith(`..${sep}`);
}

/** @throws KdcError for a folder with a run and what another pruning left */
async function expectNoOtherPruning(out: string, pruned: unknown): Promise<void> {
  const file = join(out, EXPERIMENT);
  if (!existsSync(file) || !existsSync(join(out, PRUNED_FILE))) return;
  const before = valueAt(await readJson(file, "Put back a copy of it, or give another folder with --out"), PRUNED_KEY);
  if (before === valueAt({ model: { pruned } }, PRUNED_KEY)) return;
  throw new KdcError({
    where: `run folder ${out}`,
    what: `it holds a run and a ${PRUNED_FILE} of another pruning, which would be replaced`,
    remedy: "Give another folder with --out, or delete this one",
    reason: "run-folder",
  });
}

/**
 * Takes the attention heads and MLP units with the smallest weights out of every block of a model's encoder, trains what is
 * left as the model itself was trained, and measures all beside each other. What comes out has smaller matrices: it is a model
 * like any other, exports smaller, and computes less. Training goes on where it was stopped.
 *
 * @param file a pretrained model, or with no epochs also a classifier
 * @throws KdcError for shares that are none, and a model whose experiment cannot train it
 */
export async function prune(file: string, options: PruneOptions): Promise<Pruning> {
  const { shares, epochs, changes = [], protocols = [], out, assume, ...run } = options;
  const around = surroundingsOf(options);
  const chosen = protocolsNamed(protocols);
  const saved = await readSaved(file, { ...around, assume });
  // What is pruned stays of its kind.
  for (const record of chosen) expectTaken(record, saved, MEASURED);
  const pruned = join(out, PRUNED_FILE);
  if (shares.heads === 0 && shares.units === 0) {
    throw new KdcError({
      where: `prune ${file}`,
      what: "with no heads and no units nothing is taken out",
      remedy: "Give a share above 0 of one of them",
      reason: "usage",
    });
  }
  const refuse = (what: string, remedy: string, reason = "wrong-model"): never => {
    throw new KdcError({ where: `prune ${file}`, what, remedy, reason });
  };
  if (epochs > 0 && "classifier" in saved) {
    return refuse(
      "it is a classifier, which labelled clips train",
      `Prune it alone (--epochs 0), then: kdc-mae finetune EXPERIMENT --init ${quoted(pruned)}`,
    );
  }
  if (epochs > 0 && "model" in saved && saved.model.assumed !== undefined) {
    return refuse("an official checkpoint does not say on what it was trained", "Prune it alone: --epochs 0");
  }
  if (epochs === 0 && changes.length > 0) {
    return refuse(
      "changes are for the training, and there is none",
      "Leave them out, or train for some epochs",
      "usage",
    );
  }
  if (protocols.length > 0 && sharedOf(saved).assumed !== undefined) {
    return refuse(
      "an official checkpoint does not say on which clips it could be measured",
      "Leave --protocol out, and measure both afterwards: kdc-mae evaluate MODEL --data CLIPS --protocol NAME",
    );
  }
  if (await liesIn(out, await localModel(file, around))) {
    return refuse(
      `it lies in ${out}, where the pruned model would overwrite it`,
      "Give another folder with --out",
      "usage",
    );
  }
  const { config, params } = sharedOf(saved);
  const smaller = pruneEncoder(config, params.encoder, shares);
  const write = async () => {
    if ("classifier" in saved) {
      const { classifier } = saved;
      const own = { ...classifier.params, encoder: smaller.encoder };
      await saveClassifier(pruned, { ...classifier, config: smaller.config, params: own });
    } else {
      const own = { ...saved.model.params, encoder: smaller.encoder };
      await saveModel(pruned, { ...saved.model, config: smaller.config, params: own });
    }
  };
  const models: readonly Comparable[] = [
    { name: "whole", file, assume },
    { name: "pruned", file: pruned },
  ];
  const measure = async (all: readonly Comparable[], on?: MeasuredOn) => {
    const compared = await compareModels(all, {
      ...{ ...around, media: options.media, protocols, on, execute: options.execute ?? compiled() },
    });
    await writeComparison(out, compared);
    return compared;
  };
  if (epochs === 0 || !("model" in saved)) {
    await makeFolder(out);
    await withLock(out, async () => {
      await expectNoOtherPruning(out, smaller.config.pruned);
      await write();
    });
    return { finished: true, steps: 0, folder: out, pruned, file: pruned, compared: await measure(models) };
  }
  const base = withChanges(saved.model.experiment, {
    name: `${saved.model.experiment.name}-pruned`,
    model: { pruned: smaller.config.pruned },
    audio: { statistics: { mean: saved.model.statistics.mean, std: saved.model.statistics.std } },
    training: { epochs },
  });
  const experiment = checkExperiment(changes.reduce(withChanges, base), "the pruned model's experiment");
  await expectClipsFor(chosen, experiment, around);
  // Nothing is written into a folder that holds another run.
  await inRunFolder(out, experiment, write);
  const { model: _, ...trained } = await pretrain(experiment, { ...run, out, init: pruned });
  if (trained.file === undefined) return { ...trained, pruned };
  const compared = await measure([...models, { name: "pruned and trained", file: trained.file }], experiment);
  return { ...trained, pruned, compared };
}
