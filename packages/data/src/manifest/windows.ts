import { isKdcError, KdcError } from "@kdc-mae/core";
import type { Decoder } from "../media/decoder.js";
import { itemReasons } from "../media/media-error.js";
import { expectAdmitted } from "./confine.js";
import type { ManifestItem } from "./manifest-item.js";
import type { PassOver } from "./passed-over.js";
import type { Manifest } from "./read-manifest.js";

/** How {@link inWindows} cuts long recordings into clips. */
export type WindowOptions = {
  /** Length of a clip, seconds. */
  readonly seconds: number;
  /** Says how long files are. */
  readonly decoder: Pick<Decoder, "probe">;
  readonly signal?: AbortSignal;
};

/** Ends this near are one, seconds: containers round times. */
const near = 0.05;

/**
 * A manifest whose long recordings are cut into clips side by side: of a film of 25 s, `film_0-10`, `film_10-20` and
 * `film_20-25` where windows are 10 s, each with the film's labels, split and where its boxes are meanwhile. A last piece of less
 * than half a window is left out and told of with its seconds. Recordings no longer than a window stay as they are, and
 * so do files that cannot be measured: whoever decodes them says why.
 *
 * @throws KdcError (`killed`) from `items` where ffmpeg was killed as it measured one: nobody can say how that is cut
 */
export function inWindows(manifest: Manifest, options: WindowOptions): Manifest {
  const { seconds, decoder, signal } = options;
  if (!(Number.isFinite(seconds) && seconds > 0)) {
    throw new KdcError({
      where: "windows",
      what: `${seconds} s is not a possible length of a clip`,
      remedy: "Give seconds above 0, such as --windows 10",
      reason: "option",
    });
  }
  const known = new Map<string, number | undefined>();
  const durationOf = async (path: string): Promise<number | undefined> => {
    if (known.has(path)) return known.get(path);
    const duration = await expectAdmitted(path, manifest.media)
      .then(() => decoder.probe(path, { signal }))
      .then(
        (info) => info.duration,
        (error) => {
          // Killed, it would be cut otherwise than when nobody kills it.
          const isItsOwn = isKdcError(error) && itemReasons.has(error.reason) && error.reason !== "killed";
          return isItsOwn ? undefined : Promise.reject(error);
        },
      );
    known.set(path, duration);
    return duration;
  };
  async function* items(passOver: PassOver = () => undefined): AsyncGenerator<ManifestItem> {
    for await (const item of manifest.items(passOver)) {
      const { start = 0 } = item;
      const measured = item.pictures === undefined ? await durationOf(item.path) : undefined;
      const end = Math.min(item.end ?? measured ?? start, measured ?? item.end ?? start);
      if (item.pictures !== undefined || end - start <= seconds + near) yield item;
      else yield* windowsOf(item, { start, end }, seconds, passOver);
    }
  }
  return { ...manifest, items };
}

function* windowsOf(
  item: ManifestItem,
  { start, end }: { readonly start: number; readonly end: number },
  seconds: number,
  passOver: PassOver,
): Generator<ManifestItem> {
  const whole = Math.floor((end - start + near) / seconds);
  const rest = Math.max(0, end - start - whole * seconds);
  const count = rest >= seconds / 2 ? whole + 1 : whole;
  for (let at = 0; at < count; at++) {
    const from = round(start + at * seconds);
    const until = round(Math.min(end, from + seconds));
    const boxes = item.boxes && boxesWithin(item.boxes, from - start, until - start);
    yield { ...item, id: `${item.id}_${from}-${until}`, start: from, end: until, ...(boxes ? { boxes } : {}) };
  }
  if (count === whole && rest > near) passOver("end shorter than half a window", `${item.id}: ${rest.toFixed(1)} s`);
}

/**
 * The boxes of a part, their times from its beginning: those within, and the nearest before and after. Between two boxes the
 * object moves, and the first and the last stand: without its neighbours a part between them would say that nothing is seen.
 */
function boxesWithin(boxes: NonNullable<ManifestItem["boxes"]>, from: number, until: number): ManifestItem["boxes"] {
  const sorted = [...boxes].sort((a, b) => a[0] - b[0]);
  const before = sorted.findLastIndex(([time]) => time <= from);
  const after = sorted.findIndex(([time]) => time >= until);
  return sorted
    .slice(Math.max(0, before), after < 0 ? sorted.length : after + 1)
    .map(([time, box]) => [round(time - from), box] as const);
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
