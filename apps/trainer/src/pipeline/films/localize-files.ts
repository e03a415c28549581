import { type Box, KdcError } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { centreSquare, peakRegion, similarityMap } from "@kdc-mae/eval";
import { clipFormFor } from "../corpus/clip-form.js";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { eachFile, type FileResults, type Within } from "../each-file.js";
import { createFileEmbedder } from "../embed/embed-files.js";
import { openCutting } from "../evaluate/cutting.js";
import { createMomentEmbedder } from "../evaluate/sound-windows.js";
import { type ReadOptions, readSaved, type Saved } from "../run/read-saved.js";
import type { Surroundings } from "../surroundings.js";
import { drawHeat, type HeatStep, pictureNames } from "./draw-heat.js";
import { type OpenedMedia, openMedia, storeWindow } from "./open-media.js";
import { expectOutputs, outputsFor } from "./outputs.js";

/** Where a sound is seen at one moment. Places are pixels of the film as it is shown. */
export type LocatedStep = {
  /** Seconds into the film. */
  readonly time: number;
  /** Highest cosine of the sound with a patch of the picture. */
  readonly confidence: number;
  /** Middle of the patch that it is highest at. */
  readonly peak: { readonly x: number; readonly y: number };
  /** Around the patches in the upper quarter of this step's range that hang together with the peak. */
  readonly region: Box;
  /** The picture of this moment among those that were written. */
  readonly picture?: string;
};

/** Where a sound is seen in one file. */
export type LocalizedFile = {
  readonly file: string;
  /** The sound that was asked for; the file's own around each moment unless given. */
  readonly query?: string;
  readonly size: { readonly width: number; readonly height: number };
  /** The part of the picture that the model sees; nothing is known of the rest. */
  readonly looked: Box;
  /** Cosines that are drawn coldest and hottest: the lowest and the highest of the file. */
  readonly scale: readonly [low: number, high: number];
  readonly steps: readonly LocatedStep[];
  /** The film that was written. */
  readonly film?: string;
};

/** What {@link localize} is asked for. */
export type LocalizeOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice & {
    /** A file, or what `loadModel` made of one; a pretrained model or a classifier. */
    readonly model: string | Saved;
    /** A file whose whole sound is looked for instead of each film's own. */
    readonly query?: string;
    /** Seconds from one moment to the next (0.5 unless given). */
    readonly every?: number;
    /** A folder for films with the heat over them, or for one file the mp4 itself. */
    readonly out?: string;
    /** A folder for a PNG of every moment; with several files, a folder in it for each. */
    readonly pictures?: string;
    /** Shorter side of what is written, pixels, at most the film's own (480 unless given). */
    readonly size?: number;
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    /** Told each file's result as it is there. */
    readonly onFile?: (result: LocalizedFile) => void;
  };

/** Share of the sound that is hidden from a picture, where the model's own training does not say. */
const HIDDEN = 0.75;
/** @throws KdcError for a film in which nothing can be looked for */
function nothingIn({ file, info, size }: OpenedMedia): KdcError {
  const [what, remedy, reason] =
    size === undefined
      ? ["it has no pictures to look in", "Leave it out, or take a version with pictures", "no-video"]
      : info?.audio === undefined
        ? ["it has no sound of its own to look for", "Say which with --query, or leave it out", "no-audio"]
        : ["no sound reaches its pictures", "Say which to look for with --query, or leave it out", "too-short"];
  return new KdcError({ where: file, what, remedy, reason });
}

/**
 * Finds where in the picture a sound is seen, moment by moment over the whole of each film: the cosine of the sound with
 * every patch. The sound is the film's own around the moment, all other sound hidden, as large a share as a view sees in
 * training; or the whole sound of another file. One window is held at a time, and a map of each moment.
 *
 * @throws KdcError for a model that cannot be read; files that cannot be used are left out, with a reason
 */
export async function localize(
  files: readonly string[],
  options: LocalizeOptions,
): Promise<FileResults<LocalizedFile>> {
  const { execute = compiled(), query, every = 0.5, size = 480, signal } = options;
  const films = outputsFor(files, options.out, { option: "--out", ending: ".mp4", mark: ".heat" });
  const folders =
    files.length === 1
      ? () => options.pictures
      : outputsFor(files, options.pictures, { option: "--pictures", ending: "" });
  await expectOutputs(files, [films], options.pictures);
  const saved = typeof options.model === "string" ? await readSaved(options.model, options) : options.model;
  const { config, params, statistics, experiment } = "model" in saved ? saved.model : saved.classifier;
  const audioRatio = "masking" in experiment ? experiment.masking.audioRatio : HIDDEN;
  const { seconds } = clipFormFor(config, 1);
  const pictures = Math.max(1, Math.round(seconds / every));
  const form = clipFormFor(config, pictures, statistics.sampleRate);
  const { decoder, ffmpeg } = await openDecoder(options, options);
  const asked = query === undefined ? undefined : await soundOf(query);
  const cutting = openCutting(form, { statistics, batch: Math.min(32, pictures) });
  const moments = createMomentEmbedder({ execute, config, params }, cutting, audioRatio);

  async function soundOf(file: string): Promise<Float32Array> {
    const embedder = createFileEmbedder({ config, params, statistics }, execute, decoder);
    const { audio } = await embedder.embed(file, { only: "sound", signal }).finally(embedder.dispose);
    if (audio !== undefined) return audio;
    const remedy = "Give a file with the sound that is to be looked for";
    throw new KdcError({ where: file, what: "no sound of it was long enough", remedy, reason: "no-audio" });
  }

  const stepsOf = async (opened: OpenedMedia, within: Within): Promise<HeatStep[]> => {
    const steps: HeatStep[] = [];
    const only = asked === undefined ? undefined : "pictures";
    for await (const window of opened.windows({ seconds, pictures, only })) {
      within(`${window.start.toFixed(1)} s`);
      if (window.frames === undefined || (asked === undefined && window.sound === undefined)) continue;
      for (const { clip, frame, audio, tokens } of await moments.embed([storeWindow(opened.file, window, form)])) {
        const time = window.start + clip.times[frame];
        // The last window is moved back; what it shows again is known.
        if (time <= (steps.at(-1)?.time ?? -1)) continue;
        steps.push({ time, map: similarityMap(asked ?? audio, tokens, config.visual) });
      }
    }
    return steps;
  };

  const localizeFile = async (file: string, index: number, within: Within): Promise<LocalizedFile> => {
    const opened = await openMedia(file, decoder, form, signal);
    if (opened.size === undefined) throw nothingIn(opened);
    const [film, folder] = [films(index), folders(index)];
    if (opened.info === undefined && film !== undefined) {
      const remedy = "Give --pictures FOLDER for stills";
      throw new KdcError({ where: file, what: "a still picture cannot become a film", remedy, reason: "no-film" });
    }
    const steps = await stepsOf(opened, within);
    if (steps.length === 0) throw nothingIn(opened);
    const scale = [
      steps.reduce((low, { map }) => Math.min(low, ...map.data), Infinity),
      steps.reduce((high, { map }) => Math.max(high, ...map.data), -Infinity),
    ] as const;
    if (film !== undefined || folder !== undefined) {
      within("drawing");
      await drawHeat({ ffmpeg, signal, opened, steps, scale, every, size, film, folder });
    }
    const names = folder === undefined ? [] : pictureNames({ opened, steps, every });
    const square = centreSquare(opened.size);
    return {
      ...{
        file,
        ...(query === undefined ? {} : { query }),
        size: { width: opened.size.width, height: opened.size.height },
      },
      looked: { x: square.x, y: square.y, width: square.side, height: square.side },
      scale,
      steps: steps.map((step, at) => located(step, square, names[at])),
      ...(film === undefined ? {} : { film }),
    };
  };

  const located = (
    { time, map }: HeatStep,
    square: { x: number; y: number; side: number },
    picture?: string,
  ): LocatedStep => {
    const { peak, row, column, rows, columns } = peakRegion(map);
    const [wide, tall] = [square.side / config.visual.columns, square.side / config.visual.rows];
    return {
      time,
      confidence: map.data[peak.row * config.visual.columns + peak.column],
      peak: { x: square.x + (peak.column + 0.5) * wide, y: square.y + (peak.row + 0.5) * tall },
      region: { x: square.x + column * wide, y: square.y + row * tall, width: columns * wide, height: rows * tall },
      ...(picture === undefined ? {} : { picture }),
    };
  };

  try {
    return await eachFile(files, "localize", options, localizeFile);
  } finally {
    await moments.dispose();
    await cutting.cutter.close();
  }
}
