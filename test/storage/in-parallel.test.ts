import { expect, test } from "vitest";
import { inOrder, inParallel } from "../../src/storage/in-parallel.ts";

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

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number += 1) yield number;
}

test("what comes one by one is done several at a time, and yielded in order", async () => {
  const { started, work, end } = controlled();
  const results = inOrder(numbers(4), { atATime: 2 }, work);
  const first = results.next();
  await settled();
  expect(started).toEqual([0, 1]);
  end(1).resolve("one");
  await settled();
  // The first is awaited: nothing more is begun before it has been yielded.
  expect(started).toEqual([0, 1]);
  end(0).resolve("zero");
  expect(await first).toEqual({ done: false, value: "zero" });
  const second = results.next();
  await settled();
  expect(started).toEqual([0, 1, 2]);
  expect(await second).toEqual({ done: false, value: "one" });
  await settled();
  end(2).resolve("two");
  const rest = collect(results);
  await settled();
  end(3).resolve("three");
  expect(await rest).toEqual(["two", "three"]);
});

test("in order: a failure is told in its turn, when what is under way has settled", async () => {
  const { started, work, end } = controlled();
  let over = false;
  const all = collect(inOrder(numbers(5), { atATime: 3 }, work)).finally(() => (over = true));
  const outcome = expect(all).rejects.toThrow("first");
  await settled();
  end(0).reject(new Error("first"));
  end(1).resolve("one");
  await settled();
  expect(over).toBe(false);
  end(2).resolve("two");
  await outcome;
  expect(started).toEqual([0, 1, 2]);
});

test("in order: whoever leaves early, or is aborted, leaves nothing under way", async () => {
  for (const aborted of [false, true]) {
    const { work, end } = controlled();
    const stop = new AbortController();
    const results = inOrder(numbers(5), { atATime: 2, signal: stop.signal }, work);
    const first = results.next();
    await settled();
    end(0).resolve("zero");
    await first;
    stop.abort(new Error("stop"));
    let over = false;
    const left = (aborted ? results.next() : results.return(undefined)).finally(() => (over = true));
    const outcome = aborted ? expect(left).rejects.toThrow("stop") : left;
    await settled();
    expect(over).toBe(false);
    end(1).resolve("one");
    await outcome;
  }
});
