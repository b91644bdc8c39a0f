/**
 * The work's own outcome, if it comes within `ms`. Error otherwise: `no answer within …`. What comes later is dropped, also its failure: a host that
 * has vanished without a word answers nothing for a quarter of an hour.
 */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
