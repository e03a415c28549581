/**
 * Works on up to `concurrency` items at once and yields the results in the order of the items. At most `ahead` items
 * are begun before the oldest is done, so that one slow item does not let results pile up.
 *
 * An error of an item, or of giving the next one, is thrown when its turn comes, after the items under way have ended;
 * `stop` is called first.
 */
export async function* orderedMap<In, Out>(
  items: AsyncIterable<In> | Iterable<In>,
  work: (item: In) => Promise<Out>,
  { concurrency, ahead, stop }: { concurrency: number; ahead: number; stop?: () => void },
): AsyncGenerator<Out, void> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const queue: Promise<Out>[] = [];
  let [running, ended] = [0, false];
  let wake: () => void = () => undefined;
  try {
    for (;;) {
      while (!ended && running < concurrency && queue.length < ahead) {
        let next: IteratorResult<In>;
        try {
          next = await source.next();
        } catch (error) {
          // It comes in its turn too, whatever of the items before it was done by now.
          ended = true;
          const failed = Promise.reject(error);
          failed.catch(() => undefined);
          queue.push(failed);
          break;
        }
        if (next.done) {
          ended = true;
          break;
        }
        running++;
        const task = work(next.value).finally(() => {
          running--;
          wake();
        });
        task.catch(() => undefined);
        queue.push(task);
      }
      const oldest = queue[0];
      if (oldest === undefined) return;
      // A place may come free before the oldest is done: then there is something to begin.
      const freed = new Promise<"freed">((resolve) => {
        wake = () => resolve("freed");
      });
      const canBegin = () => !ended && queue.length < ahead;
      const first = await Promise.race([oldest.then(() => "oldest" as const), ...(canBegin() ? [freed] : [])]);
      if (first === "oldest") yield await queue.shift()!;
    }
  } finally {
    stop?.();
    await Promise.allSettled(queue);
    await source.return?.(undefined);
  }
}
