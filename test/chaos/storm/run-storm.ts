/** A storm: publishes under way, faults at random moments, alone and beside others; then the verdict, as a tally. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { buildCity, type City } from "./city.ts";
import type { Broken, Fault, Storm } from "./fault.ts";
import { createLoad, layLines } from "./load.ts";
import { createRandom, type Random } from "./random.ts";
import { judge } from "./verdict.ts";
import { callWitness } from "./witness.ts";

export interface StormOptions {
  faults: readonly Fault[];
  /** Publishes in all; those of them that are large, and that begin poisoned, by project. */
  publishes: { count: number; large: number; poisoned: number };
  atATime: number;
  /** In which they are asked for, evenly. */
  spreadMs: number;
  workers: number;
  gateways: number;
  /** Faults at a time, and ms between two beginnings, at least and at most. */
  together: number;
  pauseMs: readonly [number, number];
  /** How much shorter than it says each fault lasts. */
  haste?: number;
  /** Each fault is begun at least so often, and then others as long as there are publishes; or none after so many ms. */
  rounds: number;
  rageMs?: number;
}

const TELL_MS = 60_000;
/** Every so many jobs have a watcher. */
const FOLLOW_EVERY = 3;

/** Prints the tally, and demands that it holds no fault of ours. */
export async function expectCalmAfter(options: StormOptions): Promise<void> {
  const random = createRandom();
  console.log(`the storm: CHAOS_SEED=${random.seed}`);
  const since = Date.now();
  const city = await buildCity(options);
  try {
    await rage(city, random, options, since);
  } finally {
    await city.close();
  }
}

async function rage(city: City, random: Random, options: StormOptions, since: number): Promise<void> {
  const lines = await layLines(city, random, options.publishes);
  const witness = callWitness(city, lines);
  const load = createLoad(
    city,
    options.faults.flatMap(({ mayFail }) => mayFail ?? []),
  );
  const broken: Broken[] = [];
  const storm: Storm = { city, random, underWay: load.underWay, demandResume: (each) => void broken.push(each) };
  const over = new AbortController();
  const seconds = (): string => ((Date.now() - since) / 1_000).toFixed(0);

  console.log(`the storm: all is built after ${seconds()} s`);
  const working = load.run({ ...options, lines }).finally(() => over.abort());
  const following = followSome();
  const telling = setInterval(() => {
    const open = load.underWay().length;
    console.log(`the storm: ${load.accepted.length - open} publishes are over, ${open} under way after ${seconds()} s`);
  }, TELL_MS);
  const begun = await throwFaults(storm, options, over.signal);
  console.log(`the storm: its last fault has ended after ${seconds()} s`);
  await working;
  clearInterval(telling);
  over.abort();
  await following;
  await Promise.all([...city.workers, ...city.gateways].map((place) => place.filled()));
  await calm();
  const verdict = await judge(city, { lines, load, witness, broken });
  await witness.stop();

  const retried = load.accepted.flatMap(({ retries }) => retries.map(({ code }) => code));
  const poisoned = load.accepted.flatMap(({ order: { poison } }) => poison?.name ?? []);
  for (const name of poisoned) begun.set(name, (begun.get(name) ?? 0) + 1);
  const faults = [...begun].map(([name, count]) => `  ${count} × ${name}`);
  const { wrong, lost, doubled, lying, resumed } = verdict;
  console.log(
    [
      `the storm: ${load.accepted.length} publishes, ${sum(begun.values())} faults in ${seconds()} s, CHAOS_SEED=${random.seed}`,
      ...faults,
      ...(city.wrongClocks ? ["  the clocks of one worker and one gateway one hour ahead throughout"] : []),
      ...(city.disk ? [] : ["  without a disk of its own: mounting is not allowed here"]),
      `  ${retried.length} retries through the API (${counted(retried)}); ${witness.looks()} looks at all rows, ${witness.watchers.length} streams`,
      `  after a kill -9 in upload or verify, gone on where the last heartbeat was: ${resumed}`,
      `wrong ${wrong.length}, lost ${lost.length}, doubled ${doubled.length}, lying ${lying.length}`,
    ].join("\n"),
  );
  expect({ wrong, lost, doubled, lying }).toEqual({ wrong: [], lost: [], doubled: [], lying: [] });
  expect(load.accepted).toHaveLength(options.publishes.count);
  for (const { name, to } of options.faults)
    if (to !== "disk" || city.disk) expect(begun.get(name) ?? 0, name).toBeGreaterThanOrEqual(options.rounds);

  async function followSome(): Promise<void> {
    let followed = 0;
    while (!over.signal.aborted) {
      while (followed < load.accepted.length) {
        if (followed % FOLLOW_EVERY === 0) witness.follow(load.accepted[followed]!.job);
        followed += 1;
      }
      await delay(100, undefined, { signal: over.signal }).catch(() => undefined);
    }
  }
  /** Every watcher has seen the end that there is. */
  async function calm(): Promise<void> {
    const end = Date.now() + 90_000;
    const generations = new Map(load.accepted.map(({ job, retries }) => [job, retries.length + 1]));
    for (const watcher of witness.watchers) watcher.follow(generations.get(watcher.job) ?? 1);
    const isDone = (): boolean =>
      witness.watchers.every((watcher) => {
        try {
          return watcher.isDone();
        } catch (error) {
          witness.lies.push(String(error));
          return true;
        }
      });
    while (!isDone() && Date.now() < end) await delay(100);
  }
}

/** Begins faults as long as there are publishes that they may hit; ends them all. Answers how often each was begun. */
async function throwFaults(storm: Storm, options: StormOptions, over: AbortSignal): Promise<Map<string, number>> {
  const { random } = storm;
  const begun = new Map<string, number>();
  const active = new Map<Fault["to"], Promise<void>>();
  let bag: Fault[] = [];

  async function one(fault: Fault): Promise<void> {
    const [least, most] = fault.lasts;
    const ms = random.between(least, most) / (options.haste ?? 1);
    // What it is done to may be away itself by another fault.
    const end = await fault.begin(storm).catch(() => null);
    if (!end) return;
    begun.set(fault.name, (begun.get(fault.name) ?? 0) + 1);
    await delay(ms);
    await insist(end);
  }
  const rest = (): Fault[] => options.faults.filter(({ name }) => (begun.get(name) ?? 0) < options.rounds);
  const possible = ({ to }: Fault): boolean => to !== "disk" || storm.city.disk !== null;

  const end = Date.now() + (options.rageMs ?? Infinity);
  while (!over.aborted && Date.now() < end) {
    if (bag.length === 0) bag = random.shuffle(rest().length > 0 ? rest() : options.faults).filter(possible);
    const at = bag.findIndex(({ to }) => !active.has(to));
    const [fault] = at >= 0 && active.size < options.together ? bag.splice(at, 1) : [];
    if (fault) {
      const lasting = one(fault).finally(() => active.delete(fault.to));
      active.set(fault.to, lasting);
    }
    await delay(random.between(...options.pauseMs), undefined, { signal: over }).catch(() => undefined);
  }
  await Promise.all(active.values());
  return begun;
}

/** A fault that cannot be ended at once, for another is in its way, is ended later. */
async function insist(end: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await end();
      return;
    } catch (error) {
      if (tries >= 20) throw error;
      await delay(500);
    }
  }
}

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((total, count) => total + count, 0);
}

function counted(codes: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${code} ${count}`).join(", ") || "none";
}
