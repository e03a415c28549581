import type { MediaWindow } from "@kdc-mae/data/node";
import type { Candidate } from "./scan-folder.js";

/** Small files are begun while another is at work, so that they share a program: so many, of so many bytes together. */
const [filesAhead, bytesAhead] = [16, 16 * 2 ** 20];

type Begun<File> = { readonly candidate: File; readonly windows: AsyncGenerator<MediaWindow> };

/** Files in order with their windows. What was begun and is not wanted any more is let go of. */
export async function* begunAhead<File extends Candidate>(
  candidates: readonly File[],
  read: (candidate: File) => AsyncGenerator<MediaWindow>,
): AsyncGenerator<Begun<File>> {
  const waiting: (Begun<File> & { readonly source: AsyncGenerator<MediaWindow> })[] = [];
  let next = 0;
  const bytes = () => waiting.reduce((sum, { candidate }) => sum + Math.max(0, candidate.size), 0);
  try {
    while (next < candidates.length || waiting.length > 0) {
      while (
        next < candidates.length &&
        (waiting.length === 0 || (waiting.length < filesAhead && bytes() + candidates[next].size <= bytesAhead))
      ) {
        const candidate = candidates[next++];
        const source = read(candidate);
        const first = source.next();
        // Whoever awaits it hears of a failure; until then it must not end the process.
        first.catch(() => undefined);
        waiting.push({ candidate, source, windows: startingWith(first, source) });
      }
      const { candidate, windows, source } = waiting[0];
      yield { candidate, windows };
      await source.return(undefined);
      waiting.shift();
    }
  } finally {
    await Promise.allSettled(waiting.map(({ source }) => source.return(undefined)));
  }
}

async function* startingWith<T>(first: Promise<IteratorResult<T>>, source: AsyncGenerator<T>): AsyncGenerator<T> {
  const { done, value } = await first;
  if (done) return;
  yield value;
  yield* source;
}
