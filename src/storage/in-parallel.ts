/** Many calls to a store at once, as many as it bears, with an end that is really one. */

/**
 * Does `work` for each item, at most `atATime` at once, and answers the results in the items' order.
 *
 * After the first failure or an abort nothing more is started; it rejects with that error, or the signal's reason, only when all
 * that was started has settled. So whoever hears of the failure knows that no late write is still under way: a plain
 * `Promise.all` rejects while its siblings go on writing.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  options: { atATime: number; signal?: AbortSignal | undefined },
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const { atATime, signal } = options;
  const results: R[] = [];
  const errors: unknown[] = [];
  // One iterator for all lanes: each takes the next item that nobody has taken.
  const queue = items.entries();
  async function lane(): Promise<void> {
    while (errors.length === 0 && !signal?.aborted) {
      const { value, done } = queue.next();
      if (done) return;
      const [index, item] = value;
      try {
        results[index] = await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
  signal?.throwIfAborted();
  return results;
}

/**
 * Does `work` for each item as it comes, at most `atATime` at once, and yields the results in the items' order. Like `inParallel` it
 * ends only when all that was started has settled, also when the caller leaves the loop early.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  options: { atATime: number; signal?: AbortSignal | undefined },
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const { atATime, signal } = options;
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      signal?.throwIfAborted();
      const started = work(item);
      // Its failure is told when its turn comes, and must not end the process before that.
      started.catch(() => undefined);
      running.push(started);
      if (running.length >= atATime) yield await (running.shift() as Promise<R>);
    }
    for (let next = running.shift(); next; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}
