import { dirname, join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { makeFolder, writeWhole } from "@kdc-mae/core/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { encodePng } from "@kdc-mae/eval/report";
import { clipFormFor } from "../corpus/clip-form.js";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { eachFile, type FileResults, type Within } from "../each-file.js";
import { restoredTargets } from "../evaluate/run-in-words.js";
import type { SavedModel } from "../run/model-file.js";
import { type ReadOptions, readSaved, type Saved } from "../run/read-saved.js";
import type { Surroundings } from "../surroundings.js";
import { createFiller, type Filled, type HoleError } from "./fill-window.js";
import { filmOfFilled } from "./filled-film.js";
import { checkHole, type Hole, holesIn, windowAround } from "./hole.js";
import { openMedia } from "./open-media.js";
import { expectOutputs, type Outputs, outputsFor } from "./outputs.js";

export type InpaintedWindow = {
  readonly start: number;
  readonly end: number;
  /** Left out where nothing of the sound was hidden. */
  readonly audio?: HoleError;
  readonly visual?: HoleError;
  /** The picture that was written of it. */
  readonly picture?: string;
};

/** What a model made of one file's holes. */
export type InpaintedFile = {
  readonly file: string;
  readonly hole: Hole;
  /** Means over the windows. */
  readonly audio?: HoleError;
  readonly visual?: HoleError;
  readonly windows: readonly InpaintedWindow[];
  /** Windows that sound or pictures do not reach. */
  readonly leftOut: number;
  /** Modalities whose predictions were given the true patches' mean and deviation. */
  readonly borrowed: readonly ("audio" | "visual")[];
  readonly film?: string;
  readonly sound?: string;
};

/** What {@link inpaint} is asked for. */
export type InpaintOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice & {
    /** A pretrained model: a file, or what `loadModel` made of one. */
    readonly model: string | Saved;
    readonly hole?: Hole;
    /** Brings predictions of normalised patches back with the true patches' mean and deviation. */
    readonly denormalize?: boolean;
    /** Draws the masks; that of the model's experiment unless given. */
    readonly seed?: number;
    /** Seconds from picture to picture of a film (0.5 unless given). */
    readonly every?: number;
    /** A folder for films, or for one file the mp4 itself. */
    readonly out?: string;
    /** A folder for the sounds with their holes filled, or for one file the wav itself. */
    readonly sound?: string;
    /** A folder for a PNG of every window; with several files, a folder in it for each. */
    readonly pictures?: string;
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    /** Told each file's result as it is there. */
    readonly onFile?: (result: InpaintedFile) => void;
  };

async function pretrainedOf({ model, ...options }: InpaintOptions): Promise<SavedModel> {
  const saved = typeof model === "string" ? await readSaved(model, options) : model;
  if ("model" in saved) return saved.model;
  throw new KdcError({
    where: "inpaint",
    what: `${typeof model === "string" ? model : "the model"} is a fine-tuned classifier, which has no decoder any more`,
    remedy: "Give the pretrained model it was fine-tuned from",
    reason: "classifier",
  });
}

/** @throws KdcError (`norm-pixels`) where what is hidden comes back as normalised patches and may not be restored */
function expectPixels({ experiment }: SavedModel, hole: Hole, denormalize: boolean): readonly ("audio" | "visual")[] {
  const targets = restoredTargets(experiment);
  const normalized = holesIn(hole).filter((modality) => targets[modality] !== "raw");
  if (normalized.length === 0 || denormalize) return normalized;
  throw new KdcError({
    where: "inpaint",
    what: `the model was trained on normalised ${normalized.join(" and ")} patches, so its predictions are neither a picture nor a sound`,
    remedy: "Give a model that predicts pixels, or --denormalize to borrow the hidden patches' true mean and deviation",
    reason: "norm-pixels",
  });
}

const meanOf = (windows: readonly InpaintedWindow[], modality: "audio" | "visual"): HoleError | undefined => {
  const errors = windows.flatMap((window) => window[modality] ?? []);
  if (errors.length === 0) return undefined;
  const mean = (name: "mse" | "meanFill") => errors.reduce((sum, one) => sum + one[name] / errors.length, 0);
  return { mse: mean("mse"), meanFill: mean("meanFill") };
};

/**
 * Hides something of films and fills it by a pretrained model, window by window over their whole length, or in the one
 * window around a time. What was seen stays; what was hidden is measured beside mean fill. On request a film and pictures
 * of both, and the sound, found for the filled log-mel by `invertLogMel`. One window is held at a time.
 *
 * @throws KdcError for a classifier, a hole that cannot be, and a model of normalised patches unless told to bring them
 * back; files that cannot be used are left out, with a reason
 */
export async function inpaint(files: readonly string[], options: InpaintOptions): Promise<FileResults<InpaintedFile>> {
  const { execute = compiled(), hole = {}, denormalize = false, every = 0.5, signal } = options;
  checkHole(hole);
  const films = outputsFor(files, options.out, { option: "--out", ending: ".mp4", mark: ".filled" });
  const sounds = outputsFor(files, options.sound, { option: "--sound", ending: ".wav", mark: ".filled" });
  const folders: Outputs =
    files.length === 1
      ? () => options.pictures
      : outputsFor(files, options.pictures, { option: "--pictures", ending: "" });
  await expectOutputs(files, [films, sounds], options.pictures);
  const model = await pretrainedOf(options);
  const borrowed = expectPixels(model, hole, denormalize);
  const { seconds } = clipFormFor(model.config, 1);
  const pictures = options.out === undefined ? 1 : Math.max(1, Math.round(seconds / every));
  const form = clipFormFor(model.config, pictures, model.statistics.sampleRate);
  const { decoder, ffmpeg } = await openDecoder(options, options);
  const filler = createFiller(execute, model, hole, options.seed ?? model.experiment.seed);

  const inpaintFile = async (file: string, index: number, within: Within): Promise<InpaintedFile> => {
    const opened = await openMedia(file, decoder, form, signal);
    const missing =
      opened.info?.audio === undefined ? "sound" : opened.info.video === undefined ? "pictures" : undefined;
    if (missing !== undefined) {
      const what = `it has no ${missing}, and a hole is filled from both`;
      const reason = missing === "sound" ? "no-audio" : "no-video";
      throw new KdcError({ where: file, what, remedy: "Leave it out, or take a version with both", reason });
    }
    const [film, sound, folder] = [films(index), sounds(index), folders(index)];
    const duration = opened.info?.duration ?? seconds;
    const from = hole.time && windowAround(hole.time, seconds, duration);
    const windows: InpaintedWindow[] = [];
    let leftOut = 0;
    async function* filled(): AsyncGenerator<{ readonly start: number; readonly end: number; readonly made: Filled }> {
      for await (const window of opened.windows({ seconds, pictures, ...(from === undefined ? {} : { from }) })) {
        const { start, end } = window;
        within(`${start.toFixed(1)} s`);
        if (window.sound === undefined || window.frames === undefined) {
          leftOut += 1;
          continue;
        }
        const made = await filler.fill(opened, window);
        let picture: string | undefined;
        if (folder !== undefined) {
          picture = `${String(windows.length).padStart(6, "0")}.png`;
          await makeFolder(folder);
          await writeWhole(join(folder, picture), encodePng(made.panel()));
        }
        windows.push({ start, end, ...made.errors, ...(picture === undefined ? {} : { picture }) });
        yield { start, end, made };
      }
    }
    for (const path of [film, sound]) if (path !== undefined) await makeFolder(dirname(path));
    const rate = pictures / Math.min(seconds, duration);
    await filmOfFilled(filled(), { ffmpeg, signal, film, sound, rate, sampleRate: form.audio.sampleRate });
    if (windows.length === 0) {
      const remedy = "Leave it out, or fetch the file again";
      throw new KdcError({ where: file, what: "sound and pictures never come together", remedy, reason: "too-short" });
    }
    const [audio, visual] = [meanOf(windows, "audio"), meanOf(windows, "visual")];
    return {
      ...{ file, hole, ...(audio && { audio }), ...(visual && { visual }), windows, leftOut, borrowed },
      ...(film === undefined ? {} : { film }),
      ...(sound === undefined ? {} : { sound }),
    };
  };

  try {
    return await eachFile(files, "inpaint", options, inpaintFile);
  } finally {
    await filler.dispose();
  }
}
