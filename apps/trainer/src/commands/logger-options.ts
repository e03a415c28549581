import { join } from "node:path";
import type { Command } from "commander";
import { mlflowLogger } from "../pipeline/log/mlflow.js";
import type { RunLogger } from "../pipeline/log/run-logger.js";
import { tensorBoardLogger } from "../pipeline/log/tensorboard.js";

/** What {@link withLoggers} adds. */
export type LoggerChoice = { readonly tensorboard?: true | string; readonly mlflow?: string };

/** Adds the choice of loggers beside a run’s own log. */
export const withLoggers = (command: Command): Command =>
  command
    .option("--tensorboard [folder]", "write event files for TensorBoard (default: <out>/tensorboard)")
    .option("--mlflow <uri>", "also log the run to an MLflow server (MLFLOW_TRACKING_TOKEN, where it asks for one)");

/** The loggers of a run in a folder, beside its own log. */
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
