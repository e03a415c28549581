import { createRng, type FloatTensor, type Frame, KdcError, type Waveform } from "@kdc-mae/core";
import {
  chooseFrames,
  defaultOptions,
  describeClip,
  fit,
  type LogMelOptions,
  logMel,
  renderFrames,
  renderSound,
} from "@kdc-mae/data";
import { answerWith, inTurn } from "../calls/answer.js";
import { type Film, type FilmFacts, openFilm } from "./film.js";

/** How a clip is to be seen and heard: what a model's grids ask for. */
export type Seeing = {
  readonly logMel: LogMelOptions;
  /** How much of a clip is looked at, seconds. */
  readonly seconds: number;
  /** Side of a picture, pixels. */
  readonly size: number;
  readonly pictures: number;
};

/** A clip as a model takes it, before padding and normalising. */
export type SeenClip = {
  readonly facts: FilmFacts;
  readonly waveform: Waveform;
  /** `[T, bins]` */
  readonly spectrogram: FloatTensor;
  /** Each `size` × `size`. */
  readonly frames: readonly Frame[];
  readonly milliseconds: { readonly sound: number; readonly pictures: number; readonly spectrogram: number };
};

let film: Film | undefined;

const opened = (): Film => {
  if (film !== undefined) return film;
  throw new KdcError({
    where: "your clip",
    what: "there is none yet",
    remedy: "Drop or pick one first",
    reason: "no-clip",
  });
};

/** A clip of the synthetic set, as a film that needs no decoding. */
function madeFilm(seed: number, kind?: string): Film {
  const plan = describeClip(createRng("explorer").fork(seed), { ...defaultOptions, size: 256, frameRate: 10 }, kind);
  const { frames } = renderFrames(plan);
  const waveform = renderSound(plan);
  const { size, frameRate, seconds } = plan.options;
  return {
    facts: {
      name: `made: ${plan.sounding.kind}`,
      container: "made in this page",
      pictures: { codec: "none", width: size, height: size },
      sound: { codec: "none", sampleRate: waveform.sampleRate, channels: 1 },
      seconds,
    },
    sound: async () => waveform,
    pictures: async function* (times) {
      for (const time of times) {
        const frame = frames[Math.min(frames.length - 1, Math.floor(time * frameRate + 0.049))];
        yield { ...frame, time };
      }
    },
    close: () => undefined,
  };
}

const timed = async <T>(work: () => T | Promise<T>): Promise<[T, number]> => {
  const start = performance.now();
  return [await work(), performance.now() - start];
};

async function look({ logMel: options, seconds, size, pictures }: Seeing): Promise<SeenClip> {
  const { facts, sound, pictures: show } = opened();
  // A little more sound than the spectrogram shows, for its last analysis frame, as the command line takes it.
  const [waveform, heard] = await timed(() => sound(options.sampleRate, seconds + 0.1));
  const [spectrogram, transformed] = await timed(() => logMel(waveform, options));
  const times = chooseFrames(Math.min(seconds + 0.1, facts.seconds), pictures, seconds);
  const [frames, seen] = await timed(() => fitted(show(times), size));
  return {
    facts,
    waveform,
    spectrogram,
    frames,
    milliseconds: { sound: heard, pictures: seen, spectrogram: transformed },
  };
}

async function fitted(shown: AsyncIterable<Frame>, size: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of shown) frames.push(fit(frame, size));
  return frames;
}

const replace = (next: Film): FilmFacts => {
  film?.close();
  film = next;
  return film.facts;
};

/** The part of the page that decodes. */
const work = {
  /** Opens a file; the one before stays open where this one cannot be. */
  open: async ({ file, name, seeing }: { file: Blob; name: string; seeing: Seeing }): Promise<SeenClip> => {
    const [before, next] = [film, await openFilm(file, name)];
    film = next;
    try {
      const seen = await look(seeing);
      before?.close();
      return seen;
    } catch (error) {
      next.close();
      film = before;
      throw error;
    }
  },
  make: ({ seed, kind, seeing }: { seed: number; kind?: string; seeing: Seeing }): Promise<SeenClip> => {
    replace(madeFilm(seed, kind));
    return look(seeing);
  },
  /** The clip that is open, as another model sees it. */
  look,
  /** Its pictures at moments in rising order, fitted. */
  steps: ({ times, size }: { times: readonly number[]; size: number }): Promise<Frame[]> =>
    fitted(opened().pictures(times), size),
};
export type MediaWork = typeof work;

// A clip that is still being opened must not come after the next one.
answerWith(inTurn(work));
