/** What stands in place of files on a line. */
export type Named = {
  /** A pretrained model; a text file; an empty folder; nothing. */
  readonly model: string;
  readonly text: string;
  readonly folder: string;
  readonly none: string;
};

/** Lines that are wrong by themselves, whatever there is of files: exit code 2. */
export const wrongLines = ({ model, none, folder }: Named): readonly (readonly string[])[] => [
  ["nosuch"],
  ["evaluate", model, "--protocol", "nosuch"],
  ["evaluate", model, "--classes", "c.csv"],
  ["pretrain", "nosuch"],
  ["finetune", "nosuch"],
  ["ablate", "nosuch"],
  ["pretrain", "demo", "--set", "nosuch=1", "--out", none],
  ["pretrain", "demo", "--verify", "--out", none],
  ["pretrain", "demo", "--set", 'objective=[{"term":"nosuch"}]', "--dry-run"],
  ["pretrain", "demo", "--set", "visual.window=50", "--dry-run"],
  ["pretrain", "demo", "--set", "training.batch=1", "--dry-run"],
  ["demo", "--set", "training.microBatch=5", "--out", `${none}-demo`],
  ["prepare", folder, "--out", `${folder}/`],
  ["index", folder, "--model", model, "--index", folder],
  ["prune", model, "--share", "0", "--epochs", "0", "--out", none],
  ["embed"],
  ["embed", none, "--precision", "mixed"],
  ["search", none, "--count", "0"],
  ["stream", "-", "--paced", "--model", model],
  ["stream", none, "--count", "1", "--model", model],
  ["prune", model, "--epochs", "0", "--set", "training.epochs=1"],
  ["push", folder, "hf://me"],
  ["watch", folder, "--out", none, "--port", "1"],
  ["export", model, "--graphs", "nosuch"],
];

/** Lines that would be right were there what they name: exit code 1. */
export const lacking = ({ model, text, folder, none }: Named): readonly (readonly string[])[] => [
  // Nothing of that name.
  ["survey", none],
  ["prepare", none, "--out", `${none}-set`],
  ["pretrain", `${none}.json`],
  ["pretrain", "demo", "--init", none, "--out", `${none}-run`],
  ["finetune", `${none}.json`],
  ["finetune", "demo-finetune", "--init", none, "--out", `${none}-run`],
  ["ablate", `${none}.json`],
  ["distill", none],
  ["prune", none],
  ["watch", none],
  ["card", none],
  ["evaluate", none],
  ["embed", none, "--model", none],
  ["embed", none, "--model", model],
  ["export", none],
  ["convert", none, `${none}-out`],
  ["index", none, "--model", model, "--index", `${none}-index`],
  ["search", none, "--model", model, "--index", none],
  ["explore", none],
  ["explore", folder, "--index", none],
  ["classify", none, "--model", none],
  ["localize", none, "--model", model],
  ["inpaint", none, "--model", model, "--denormalize"],
  ["stream", none, "--model", model],
  ["parity", none],
  ["bench-data", none],
  // Of another kind.
  ["survey", model],
  ["evaluate", text],
  ["evaluate", folder],
  ["embed", text, "--model", text],
  ["embed", folder, "--model", model],
  ["embed", text, "--model", model],
  ["export", text],
  ["convert", text, `${none}-out`],
  ["distill", text],
  ["prune", text],
  ["index", text, "--model", model, "--index", `${none}-index`],
  ["search", text, "--model", model, "--index", folder],
  ["explore", folder],
  ["watch", folder],
  ["card", folder],
  ["push", folder, "hf://me/model"],
  ["parity", folder],
  ["localize", text, "--model", model],
  ["inpaint", text, "--model", model, "--denormalize"],
  ["stream", text, "--model", model],
  ["bench-data", folder],
  // A model that cannot do it.
  ["evaluate", model, "--protocol", "classification-middle-frame"],
  ["classify", text, "--model", model],
  ["convert", model, `${none}-out`],
  ["export", model, "--graphs", "classifier", "--out", `${none}-onnx`],
  ["prune", model, "--protocol", "classification-middle-frame", "--out", `${none}-run`],
  ["distill", model, "--protocol", "classification-middle-frame", "--out", `${none}-run`],
  ["finetune", "demo-finetune", "--init", model, "--set", "model.preset=tiny", "--out", `${none}-run`],
];
