import type { FloatTensor } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { createModelRunner } from "@kdc-mae/engine";
import type { LocalizationClip } from "@kdc-mae/eval";
import { cutBatch } from "../../corpus/batch.js";
import type { ClipSet } from "../../corpus/clip-set.js";
import type { Cutting } from "../embed-clips.js";
import { columnsNear, type Moments, meanRows, momentsFunction } from "../moments.js";
import { boxesOf } from "../tasks.js";
import { rowOf } from "./embedded-set.js";
import { frontEndOf, type Subject, sharedOf } from "./subject.js";

/** Every frame of every clip that has boxes, each with the sound around it. */
export async function* timeSteps(clips: ClipSet, subject: Subject, cutting: Cutting): AsyncGenerator<LocalizationClip> {
  const { config, params } = sharedOf(subject.saved);
  const { seconds } = frontEndOf(subject.saved);
  const { visual: grid, audio, embedDim } = config;
  const size = grid.rows * grid.patch;
  const runner = createModelRunner(subject.execute, momentsFunction(config), { encoder: params.encoder });

  const stepsOf = async (clip: StoredClip): Promise<LocalizationClip> => {
    const steps: LocalizationClip["steps"][number][] = [];
    for (let from = 0; from < clip.frames.length; from += cutting.batch) {
      const shown = Math.min(cutting.batch, clip.frames.length - from);
      const picks = Array.from({ length: cutting.batch }, (_, at) => ({ clip, frame: from + Math.min(at, shown - 1) }));
      const patches = cutBatch(picks, cutting.grids, cutting.statistics);
      const { moments, tokens } = (await runner.run({ patches })) as Record<keyof Moments, FloatTensor>;
      for (let at = 0; at < shown; at++) {
        const time = clip.times[from + at];
        steps.push({
          time,
          audio: meanRows(rowOf(moments, at), columnsNear(time, audio.columns, seconds), embedDim),
          visual: { shape: [grid.rows * grid.columns, embedDim], data: rowOf(tokens, at) },
          boxes: boxesOf(clip, size, time),
        });
      }
    }
    return { id: clip.item.id, steps };
  };

  let done = 0;
  try {
    for await (const clip of clips.read()) {
      subject.signal?.throwIfAborted();
      if (clip.item.boxes !== undefined) yield await stepsOf(clip);
      subject.onProgress(`localization over time: ${++done}/${clips.items.length}`);
    }
  } finally {
    await runner.dispose();
  }
}
