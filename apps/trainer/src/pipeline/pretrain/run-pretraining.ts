import type { FloatTensor } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import type { RunFolder } from "../run/run-folder.js";
import { saveModel } from "../run/save-model.js";
import { openTeacher, type Teacher, teacherIn } from "../small/fixed-teacher.js";
import { ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { progressInWords } from "../train/in-words.js";
import type { BatchSource } from "./masked-batches.js";
import { type Pretrained, type PretrainStepsOptions, pretrainSteps } from "./pretrain.js";

/** The file a finished run leaves its model in. */
export const MODEL_FILE = "model.safetensors";

/**
 * Pretrains, taught by the model that the experiment names where it names one, and saves the model when it is done.
 *
 * @returns the model as far as it is trained, and whether it is finished (the state is saved where it is not)
 */
export async function runPretraining(
  options: Surroundings & {
    readonly folder: RunFolder;
    readonly config: ModelConfig;
    readonly source: BatchSource;
    readonly statistics: Statistics;
    readonly execute: Execute;
    readonly start?: ModelParams<FloatTensor>;
    readonly acceptChangedData?: boolean;
    /** The experiment's fixed teacher, where it was read before; read now unless given. */
    readonly teacher?: Teacher;
  } & Pick<PretrainStepsOptions, "heldOut" | "loggers" | "stopOnCollapse">,
): Promise<Pretrained> {
  const { folder, config, source, statistics, execute, start } = options;
  const { experiment } = folder;
  const around = surroundingsOf(options);
  const teacher = options.teacher ?? (await teacherIn(experiment, config, around));
  const fixedTeacher =
    teacher && (await openTeacher(teacher, config, { ...around, experiment, source, statistics, execute }));
  const trained = await pretrainSteps({
    experiment,
    config,
    source,
    statistics,
    execute,
    folder,
    ...{ start, acceptChangedData: options.acceptChangedData },
    ...{
      heldOut: options.heldOut,
      fixedTeacher,
      loggers: options.loggers,
      stopOnCollapse: options.stopOnCollapse,
    },
    ...around,
    onStep: (progress) =>
      options.onProgress?.({
        ...{ stage: "pretrain", unit: "steps", done: progress.step, total: progress.steps },
        note: progressInWords(progress),
      }),
  }).finally(fixedTeacher?.dispose);
  if (trained.finished && ranksOf(options).rank === 0) {
    await saveModel(folder.file(MODEL_FILE), { config, params: trained.params, statistics, experiment });
  }
  return trained;
}
