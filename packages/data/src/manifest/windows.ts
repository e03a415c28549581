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
 * `film_20-25` where windows are 10 s, each with the film's labels, split and those of its boxes. A last piece of less
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
    const boxes = item.boxes
      ?.filter(([time]) => time >= from - start && time < until - start)
      .map(([time, box]) => [round(time - (from - start)), box] as const);
    yield { ...item, id: `${item.id}_${from}-${until}`, start: from, end: until, ...(boxes ? { boxes } : {}) };
  }
  if (count === whole && rest > near) passOver("end shorter than half a window", `${item.id}: ${rest.toFixed(1)} s`);
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
