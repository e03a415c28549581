import { ranksOf } from "../surroundings.js";
import { type TrainOptions, train } from "../train/train.js";
import type { Trainee } from "../train/trainee.js";
import { collapseError, observeRun, type RunWatch } from "./observe-run.js";

/**
 * Trains, and writes down all that happens (`events.jsonl`, and other loggers); of several ranks the first does.
 *
 * @throws KdcError as `train` does, and (`collapsed`) where the run was to end on a collapse; its state is saved then
 */
export async function trainObserved<Batch>(
  trainee: Trainee<Batch>,
  options: TrainOptions,
  watch: RunWatch,
): ReturnType<typeof train> {
  if (ranksOf(options).rank > 0) return train(trainee, options);
  const observer = await observeRun({ ...options, ...watch, data: trainee.source.data });
  const onNote = (note: string) => {
    observer.note(note, trainee.state.step);
    options.onNote?.(note);
  };
  let state: Parameters<typeof observer.close>[0] = "failed";
  try {
    const ended = await train(trainee, { ...options, observer, onNote });
    state = ended.finished ? "finished" : "stopped";
    const signs = observer.collapsed();
    if (signs !== undefined) throw collapseError(options.folder.path, signs);
    return ended;
  } finally {
    await observer.close(state);
  }
}
