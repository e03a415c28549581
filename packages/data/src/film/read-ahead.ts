/** What a generator gives, with up to `count` of it begun before it is asked for. `stop` is called when nobody wants more. */
export async function* readAhead<T>(source: AsyncGenerator<T>, count: number, stop: () => void): AsyncGenerator<T> {
  const queue: Promise<IteratorResult<T>>[] = [];
  let over = false;
  try {
    while (!over) {
      while (queue.length < count) {
        const next = source.next();
        next.catch(() => undefined);
        queue.push(next);
      }
      const { done, value } = await queue.shift()!;
      over = done === true;
      if (!done) yield value;
    }
  } finally {
    stop();
    await source.return(undefined).catch(() => undefined);
  }
}
