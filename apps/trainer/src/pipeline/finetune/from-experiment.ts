import { compiled } from "@kdc-mae/engine/node";
import { mediaFor } from "../corpus/open-corpus.js";
import { expectShards, verifyData } from "../corpus/verify-data.js";
import { divide } from "../ranks/division.js";
import type { ReadOptions } from "../run/read-saved.js";
import { inRunFolder, type RunFolder } from "../run/run-folder.js";
import type { RunOptions } from "../run/run-options.js";
import { ranksOf, surroundingsOf } from "../surroundings.js";
import { openFineTuningData } from "./open-data.js";
import { type FineTuningResult, runFineTuning } from "./run-fine-tuning.js";
import type { CheckedFineTuning } from "./schema.js";
import { readStart } from "./start.js";
import { unreadIn } from "./unread.js";

/** Where {@link finetune} begins (with the encoder of `init`) and where its run goes. */
export type FinetuneFromOptions = RunOptions & Pick<ReadOptions, "assume">;

/** How a fine-tuning ended. */
export type FineTuning = {
  /** False when it was asked to stop before the last epoch; the state is saved, and the same call goes on. */
  readonly finished: boolean;
  /** The run's folder. */
  readonly folder: string;
  /** What was reached, where the run is finished. */
  readonly result?: FineTuningResult;
};

/**
 * Trains a classifier on a pretrained encoder, evaluates it after every epoch, and leaves the last, the best and the
 * averaged weights in a folder.
 *
 * @throws KdcError for data, a checkpoint or a folder that does not fit the experiment
 */
export async function finetune(asked: CheckedFineTuning, options: FinetuneFromOptions): Promise<FineTuning> {
  const { out, init, verify = false, execute = compiled() } = options;
  const unread = unreadIn(asked);
  const media = mediaFor(options.media, asked.data, asked.evaluation.data);
  const around = surroundingsOf(options);
  const say = (note: string) => around.onNote?.(`finetune: ${note}`);
  const sources = [asked.data, asked.evaluation.data];
  if (verify) expectShards(sources);
  const start = await readStart(asked, init, options);
  // Written down with the window that is used, so that whoever reads the classifier pairs as it was tuned.
  const experiment = { ...asked, visual: start.visual };
  [...unread, ...start.notes].forEach(say);
  const ranks = ranksOf(around);
  const { pieces, clips } = divide(experiment.training, ranks, false);
  const pieced = { ...experiment, training: { ...experiment.training, batch: clips } };
  const where = { ...around, media, statistics: start.statistics, update: experiment.training };
  const work = async (folder: RunFolder<CheckedFineTuning>): Promise<FineTuning> => {
    if (verify) await verifyData(sources, around);
    const opened = await openFineTuningData(pieced, start.config, where);
    const data = { ...opened, source: { ...opened.source, pieces } };
    data.notes.forEach(say);
    const ended = await runFineTuning({
      ...{ ...around, folder, start, data, execute, acceptChangedData: options.acceptChangedData },
      loggers: options.loggers,
    }).finally(data.close);
    if (ended === undefined) return { finished: false, folder: out };
    const { tuned: _, ...result } = ended;
    return { finished: true, folder: out, result };
  };
  return inRunFolder(out, experiment, work, ranks);
}
