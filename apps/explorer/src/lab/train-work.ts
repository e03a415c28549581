import { createRng, type FloatTensor, type Frame, KdcError } from "@kdc-mae/core";
import { besidePicture, windowStart } from "@kdc-mae/data";
import { builtinTerms, type LossTerm } from "@kdc-mae/losses";
import {
  type CheckedExperiment,
  clipFormFor,
  configFor,
  flopPerClip,
  maskerFor,
  named,
  pairingOf,
  type StoredClip,
  storeClip,
} from "@kdc-mae/trainer/recipe";
import { type Engine, type EngineChoice, openEngine } from "./engine.js";
import { filmClips, type NamedFile } from "./film-clips.js";
import { forgetRun, keepRun, keptRun } from "./keep.js";
import { madeClip, madeClips } from "./made-clips.js";
import { changingRunner, type Filled, type ModelAtWork, workWith } from "./model-work.js";
import { problemsOf, termFrom } from "./own-term.js";
import { expectTrainable, keptNotes, modelBytes, openRun, type Step, type TrainingRun } from "./run.js";
import { experimentOf, type RunWish } from "./run-wish.js";
import { stepsPerSecond } from "./speed.js";

/** What a fixed clip looks like to the run as it is now. */
export type Watched = {
  readonly filled: readonly Filled[];
  readonly spectrogram: FloatTensor;
  readonly heat: { rows: number; columns: number; map: Float32Array };
  readonly frame: Frame;
};

export type TrainNews =
  | { readonly say: string }
  | { readonly step: Step; readonly perSecond: number }
  | { readonly watched: Watched; readonly step: number };

export type TrainStart = {
  readonly name: string;
  readonly wish: RunWish;
  readonly engine: EngineChoice;
  readonly films: readonly NamedFile[];
  /** Looks at the fixed clip this often, and keeps the run this often, seconds. */
  readonly every: { readonly look: number; readonly keep: number };
};

/** What a kept run says to a page that opens again. */
type Notes = {
  readonly wish: RunWish;
  readonly losses: readonly (readonly [step: number, total: number])[];
  readonly films: boolean;
};

let going: { readonly run: TrainingRun; stop: boolean; readonly ended: Promise<void> } | undefined;

/** A clip that no run is trained on. */
const fixedClip = 4_000_001;

/** Looks at the fixed clip with the run's model, whose numbers change under it. */
function watcher(run: TrainingRun, engine: Engine, experiment: CheckedExperiment) {
  const form = clipFormFor(run.config, pairingOf(experiment));
  const clip = storeClip(madeClip(experiment.seed, fixedClip), form);
  const middle = Math.floor(clip.frames.length / 2);
  const { size } = form.visual;
  const taken = clip.times[middle];
  // Both on the clock of the sound that the model hears, which is the clip's or the window beside the picture.
  const time = taken - (windowStart(form.audio, taken) * form.audio.frameShiftMs) / 1000;
  const frame = { width: size, height: size, data: Uint8Array.from(clip.frames[middle]), time };
  const whole = { ...clip.spectrogram, data: Float32Array.from(clip.spectrogram.data) };
  const spectrogram = besidePicture(whole, form.audio, taken);
  const views = maskerFor(experiment)?.(run.config, createRng("fixed clip")) ?? [];
  let work: ModelAtWork | undefined;
  return {
    async look(): Promise<Watched> {
      work ??= workWith(await run.model(), engine, changingRunner);
      await run.model();
      const { filled } = await work.fill({ spectrogram, frame }, views);
      const { rows, columns, maps } = await work.heat({ spectrogram, frames: [frame] });
      return { filled, spectrogram, heat: { rows, columns, map: maps[0] }, frame };
    },
    dispose: async () => work?.dispose(),
  };
}

/** The clips of a run: films of one's own where there are any, else made ones. */
async function clipsFor(
  { films, wish }: TrainStart,
  experiment: CheckedExperiment,
  tell: (news: TrainNews) => void,
): Promise<{ readonly clips: readonly StoredClip[]; readonly leftOut?: string }> {
  const form = clipFormFor(configFor(experiment), pairingOf(experiment));
  const count = films.length || wish.clips;
  const onMade = (made: number) => {
    if (made % 8 === 0 || made === count)
      tell({ say: `${films.length > 0 ? "Decoding" : "Making"} clips: ${made} of ${count} …` });
  };
  if (films.length === 0) return { clips: await madeClips(form, { seed: experiment.seed, count }, onMade) };
  const { clips, leftOut } = await filmClips(form, films, onMade);
  if (clips.length >= wish.batch) {
    if (leftOut.length === 0) return { clips };
    return {
      clips,
      leftOut: `${leftOut.length} of ${films.length} films left out: ${leftOut.slice(0, 3).join(" · ")}`,
    };
  }
  throw new KdcError({
    where: "your films",
    what: `${clips.length} of ${films.length} films can be used, and a batch takes ${wish.batch}${leftOut[0] === undefined ? "" : ` (${leftOut[0]})`}`,
    remedy: "Give more films, or a smaller batch",
    reason: "too-few-clips",
  });
}

/** At most so many losses are kept for the curve. */
const mostLosses = 2000;

async function train(
  start: TrainStart,
  tell: (news: TrainNews) => void,
): Promise<{ readonly finished: boolean; readonly step: number; readonly leftOut?: string }> {
  const { name, wish, every, films } = start;
  const experiment = expectTrainable(experimentOf(wish));
  const kept = await keptRun(name);
  const before = kept === undefined ? undefined : (keptNotes(kept).notes as Notes);
  if (before?.films && films.length === 0) {
    throw new KdcError({
      where: "going on",
      what: "this run was trained on films of your own",
      remedy: "Choose the same films again, or start over",
      reason: "usage",
    });
  }
  const { clips, leftOut } = await clipsFor(start, experiment, tell);
  tell({ say: "Starting the engine …" });
  const engine = await openEngine(start.engine);
  const config = configFor(experiment);
  const flop = wish.batch * flopPerClip(experiment);
  const letGo = async (error: unknown): Promise<never> => {
    await engine.dispose();
    throw error;
  };
  const expected = await stepsPerSecond(engine, config, wish.batch, flop).catch(letGo);
  const run = await openRun(experiment, clips, engine, kept).catch(letGo);
  const left = run.steps - run.taken();
  const minutes = left / expected / 60;
  tell({
    say:
      `${engine.name}${engine.why === undefined ? "" : ` (no WebGPU: ${engine.why})`}: expect about ${expected.toPrecision(2)} steps a second, ` +
      `${left} steps in about ${minutes < 1 ? `${Math.ceil(minutes * 60)} s` : `${Math.ceil(minutes)} min`}. The first step takes longer.${leftOut === undefined ? "" : ` ${leftOut}`}`,
  });
  const losses = [...(before?.losses ?? [])];
  const keep = async () => {
    const notes: Notes = { wish, losses: losses.slice(-mostLosses), films: films.length > 0 };
    await keepRun(name, await run.state(notes));
  };
  const watch = watcher(run, engine, experiment);
  let end: () => void = () => undefined;
  going = { run, stop: false, ended: new Promise<void>((resolve) => (end = resolve)) };
  const mine = going;
  let [looked, saved, began, taken] = [performance.now(), performance.now(), 0, 0];
  try {
    await run.go(
      () => mine.stop,
      async (step) => {
        const now = performance.now();
        if (began === 0) began = now;
        else taken += 1;
        losses.push([step.step, step.total]);
        tell({ step, perSecond: taken === 0 ? 0 : taken / ((now - began) / 1000) });
        if (now - saved > every.keep * 1000) {
          await keep();
          saved = performance.now();
        }
        if (now - looked > every.look * 1000) {
          tell({ watched: await watch.look(), step: step.step });
          // Where looking is slow it is done less often: training gets nine tenths of the time.
          const took = performance.now() - now;
          looked = performance.now() + Math.max(0, 9 * took - every.look * 1000);
        }
        // Between steps whoever asks is answered.
        await new Promise((resolve) => setTimeout(resolve));
      },
    );
    await keep();
    tell({ watched: await watch.look(), step: run.taken() });
    return { finished: run.taken() >= run.steps, step: run.taken(), leftOut };
  } finally {
    finished = await run.model().then(modelBytes, () => finished);
    going = undefined;
    await watch.dispose();
    await run.dispose();
    await engine.dispose();
    end();
  }
}

/** The model of the run that was ended last. */
let finished: Uint8Array | undefined;

const nothing = (): never => {
  throw new KdcError({ where: "the run", what: "it has no model yet", remedy: "Train first", reason: "no-model" });
};

/** What the lab does to train. */
export const trainWork = {
  train,
  /** Stops after the step under way; the run is kept. */
  pause: async (): Promise<void> => {
    if (going === undefined) return;
    going.stop = true;
    await going.ended;
  },
  /** What was kept of a run when the page was last open. */
  kept: async (
    name: string,
  ): Promise<{ readonly wish: RunWish; readonly step: number; readonly losses: Notes["losses"] } | undefined> => {
    const bytes = await keptRun(name);
    if (bytes === undefined) return undefined;
    const { step, notes } = keptNotes(bytes);
    const { wish, losses } = notes as Notes;
    return { wish, step, losses };
  },
  forget: async (name: string): Promise<void> => {
    await forgetRun(name);
    finished = undefined;
  },
  /** The model as it is now, bytes of safetensors. */
  model: async (): Promise<Uint8Array> =>
    going === undefined ? (finished ?? nothing()) : modelBytes(await going.run.model()),
  /** The terms that there are, for whoever writes an objective. */
  terms: (): readonly string[] => Object.keys(builtinTerms),
  /** The demo's objective, which a run begins with. */
  objective: (): string => JSON.stringify(named.demo.objective, null, 1),
  /** What an objective becomes with everything filled in; names every wrong key. */
  complete: (wish: RunWish): string => JSON.stringify(experimentOf(wish).objective, null, 1),
  /** What is wrong with a term of one's own; empty where it passes. */
  check: (code: string): { readonly name: string; readonly problems: readonly string[] } => {
    const term: LossTerm = termFrom(code);
    return { name: term.name, problems: problemsOf(term) };
  },
};
