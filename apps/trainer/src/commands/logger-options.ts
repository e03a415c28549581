import { join } from "node:path";
import type { Command } from "commander";
import { mlflowLogger } from "../pipeline/log/mlflow.js";
import type { RunLogger } from "../pipeline/log/run-logger.js";
import { tensorBoardLogger } from "../pipeline/log/tensorboard.js";

/** What {@link withLoggers} adds. */
export type LoggerChoice = { readonly tensorboard?: true | string; readonly mlflow?: string };

/** Adds the choice of who else is told what happens in a run. */
export const withLoggers = (command: Command): Command =>
  command
    .option("--tensorboard [folder]", "write event files for TensorBoard (default: <out>/tensorboard)")
    .option("--mlflow <uri>", "tell an MLflow server of the run (MLFLOW_TRACKING_TOKEN, where it asks for one)");

/** Who else is told, of a run in a folder. */
export function loggersFor(
  { tensorboard, mlflow }: LoggerChoice,
  out: string,
  { MLFLOW_TRACKING_TOKEN: token }: Readonly<Record<string, string | undefined>>,
): readonly RunLogger[] {
  const directory = tensorboard === true ? join(out, "tensorboard") : tensorboard;
  return [
    ...(directory === undefined ? [] : [tensorBoardLogger(directory)]),
    ...(mlflow === undefined ? [] : [mlflowLogger({ uri: mlflow, token })]),
  ];
}
