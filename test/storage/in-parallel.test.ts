import { expect, test } from "vitest";
import { inParallel } from "../../src/storage/in-parallel.ts";

/** Work that ends when the test says so. */
function controlled() {
  const started: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<string>>();
  const work = (item: number): Promise<string> => {
    started.push(item);
    const end = Promise.withResolvers<string>();
    ends.set(item, end);
    return end.promise;
  };
  const end = (item: number) => ends.get(item)!;
  return { started, work, end };
}
/** Everything that can go on without a timer has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("results come in the items' order, whatever order the work ends in", async () => {
  const { started, work, end } = controlled();
  const all = inParallel([0, 1, 2], { atATime: 2 }, work);
  expect(started).toEqual([0, 1]);
  end(1).resolve("one");
  await settled();
  expect(started).toEqual([0, 1, 2]);
  end(2).resolve("two");
  end(0).resolve("zero");
  expect(await all).toEqual(["zero", "one", "two"]);
});

test("after a failure nothing more is started, and the rejection waits for what is under way", async () => {
  const { started, work, end } = controlled();
  let over = false;
  const all = inParallel([0, 1, 2, 3], { atATime: 2 }, work).finally(() => (over = true));
  const outcome = expect(all).rejects.toThrow("first");
  end(0).reject(new Error("first"));
  await settled();
  expect(over).toBe(false);
  end(1).reject(new Error("second"));
  await outcome;
  expect(started).toEqual([0, 1]);
});

test("after an abort nothing more is started, and the rejection waits for what is under way", async () => {
  const { started, work, end } = controlled();
  const stop = new AbortController();
  let over = false;
  const all = inParallel([0, 1, 2], { atATime: 1, signal: stop.signal }, work).finally(() => (over = true));
  const outcome = expect(all).rejects.toThrow("stop");
  stop.abort(new Error("stop"));
  await settled();
  expect(over).toBe(false);
  end(0).resolve("done all the same");
  await outcome;
  expect(started).toEqual([0]);
});

test("nothing to do is done", async () => {
  expect(await inParallel([], { atATime: 8 }, () => Promise.reject(new Error("never")))).toEqual([]);
});
