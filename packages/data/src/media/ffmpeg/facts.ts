import { swapsSides, type Turn, upright } from "../container/turn.js";
import type { ListedInput, ListedTrack } from "./inputs.js";
import type { Counted } from "./packets.js";

/** When a track sounds or shows, seconds on the file's clock, as far as it was counted. */
type Span = { readonly first: number; readonly last: number; readonly end: number; readonly packets: number };

export type SoundTrack = {
  /** Its number among the tracks of sound. */
  readonly index: number;
  readonly codec: string;
  /** Hz. */
  readonly sampleRate: number;
  readonly span?: Span;
};

export type PictureTrack = {
  /** Its number among the tracks of pictures, covers left out. */
  readonly index: number;
  readonly codec: string;
  /** As they are shown, pixels: turned, with square pixels. Left out where the file does not tell. */
  readonly shown?: { readonly width: number; readonly height: number };
  /** As they are stored, pixels. */
  readonly stored?: { readonly width: number; readonly height: number };
  readonly turn: Turn;
  readonly span?: Span;
};

/** What is known of a file before it is decoded. Its clock begins where its earliest track does. */
export type Facts = {
  readonly format: string;
  /** Seconds to the end of what is shown or heard. */
  readonly duration?: number;
  /** Where a clip's clock begins on the file's, seconds: at the first picture where that is all but at once. */
  readonly zero: number;
  readonly sound?: SoundTrack;
  readonly pictures?: PictureTrack;
  /** The file's own timestamp of its beginning, seconds. */
  readonly start: number;
  /** Until when there are packets of both tracks, as far as they were counted. */
  readonly reach?: number;
  /** Its timestamps begin again somewhere: it cannot be sought in. */
  readonly restarts: boolean;
};

/** Sound that begins this much before the first picture is what an encoder needs to get going, seconds. */
const priming = 0.1;
/** Ends of tracks this near are one, seconds: the last packet of sound may be filled up. */
const near = 0.15;

/** What was looked at: the list of tracks, packets from the start, and where a part is asked for, packets from there. */
export type Looked = {
  readonly listed: ListedInput;
  /** Undefined where packets could not be counted. */
  readonly counted: readonly Counted[] | undefined;
  /** Counted from `from` seconds on. */
  readonly part?: { readonly from: number; readonly counted: readonly Counted[] };
  /** All packets were counted. */
  readonly whole: boolean;
  readonly turns: readonly Turn[];
  /** Times were counted as the file has them, from `listed.start` on. */
  readonly raw: boolean;
  /** The file is shorter than its index says, which then tells what is missing. */
  readonly cutShort: boolean;
};

const later = (tracks: readonly Counted[] | undefined, by: number): Counted[] | undefined =>
  tracks?.map((track) => ({ ...track, first: track.first + by, last: track.last + by, end: track.end + by }));

/** Packets that are longer together than the time they take up were begun anew, by more than this, seconds. */
const overlap = 0.5;

/** Puts together what a look at a file found, and chooses the tracks: the one to play by default, and a film before a still. */
export function factsOf({ listed, counted: all, part, whole, turns, raw, cutShort }: Looked): Facts {
  const counted = later(all, raw ? -(listed.start ?? 0) : 0);
  const partial = part ? later(part.counted, part.from) : counted;
  const of = (kind: Counted["kind"]) => [counted, partial].map((list) => list?.filter((track) => track.kind === kind));
  const movie = pick(listed.pictures, of("video"), 2);
  const sound = pick(listed.sounds, of("audio"), 1);
  const first = movie?.start?.first ?? 0;
  const zero = movie && first > 0 && first <= priming ? first : 0;
  const ends = [movie, sound].flatMap((track) => (track?.span && track.span.packets > 0 ? [track.span.end] : []));
  const reach = ends.length > 0 ? Math.max(...ends) : undefined;
  const counts = whole && reach !== undefined;
  const pictureEnd = movie?.span?.end ?? 0;
  const measured = counts ? (reach - pictureEnd < near && pictureEnd > 0 ? pictureEnd : reach) : undefined;
  // A track of sound that changes its rate is given the wrong lengths, so pictures tell where there are any.
  const telling = raw ? (movie?.start ?? sound?.start) : undefined;
  const restarts = telling !== undefined && telling.sum > telling.end - telling.first + overlap;
  const believed = cutShort || (raw && !restarts);
  const duration = believed ? (listed.duration ?? measured) : (measured ?? listed.duration);
  return {
    ...{ format: listed.format, start: listed.start ?? 0 },
    ...(duration === undefined ? {} : { duration: Math.round((duration - zero) * 1000) / 1000 }),
    zero,
    ...(ends.length > 0 ? { reach: Math.min(...ends) } : {}),
    ...(sound
      ? {
          sound: {
            ...{ index: sound.index, codec: sound.codec },
            sampleRate: sound.start?.sampleRate ?? sound.track.sampleRate ?? 0,
            ...(sound.span ? { span: sound.span } : {}),
          },
        }
      : {}),
    ...(movie ? { pictures: pictureTrack(movie, turns[movie.index] ?? upright) } : {}),
    restarts,
  };
}

type Picked = {
  readonly index: number;
  readonly codec: string;
  readonly track: ListedTrack;
  readonly start?: Counted;
  readonly span?: Counted;
};

/** The track to play: of those that can be decoded and have `least` packets, or failing that any, the default one or the first. */
function pick(
  listed: readonly ListedTrack[],
  [counted, partial]: readonly (readonly Counted[] | undefined)[],
  least: number,
): Picked | undefined {
  // Covers that old versions list without saying so are not among what was counted.
  const tracks =
    counted && counted.length !== listed.length ? counted.map(({ codec }) => ({ codec, chosen: false })) : listed;
  const all = tracks.map((track, index): Picked => {
    const [start, span] = [counted?.[index], partial?.[index]];
    return { index, codec: start?.codec || track.codec, track, ...(start ? { start } : {}), ...(span ? { span } : {}) };
  });
  const known = all.filter(({ track }) => track.codec !== "none" && track.codec !== "unknown");
  const packets = ({ start, span }: Picked) => Math.max(start?.packets ?? 0, span?.packets ?? 0);
  const lively = known.filter((picked) => packets(picked) >= least);
  const candidates = lively.length > 0 ? lively : known;
  return candidates.find(({ track }) => track.chosen) ?? candidates[0];
}

function pictureTrack({ index, codec, track, start, span }: Picked, turn: Turn): PictureTrack {
  const { width, height } = start?.width === undefined ? track : start;
  const base = { index, codec, turn, ...(span ? { span } : {}) };
  if (width === undefined || height === undefined) return base;
  const wide = Math.max(1, Math.round(width * (start?.aspect ?? 1)));
  const shown = swapsSides(turn) ? { width: height, height: wide } : { width: wide, height };
  return { ...base, stored: { width, height }, shown };
}
