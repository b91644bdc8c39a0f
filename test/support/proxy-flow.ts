/** One direction of a connection through `breaking-proxy.ts`: pieces in their order, each when its time has come. */
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** `up`: to the server; `down`: to the client. */
export type Direction = "up" | "down" | "both";

/** What happens to everything that comes while it lasts. */
export type Fate =
  | { kind: "delay"; ms: number; jitterMs: number; direction: Direction }
  | { kind: "swallow"; late: boolean; direction: Direction };

export interface Flow {
  /** A fate has ended: what it held back comes now, or the connection that it has eaten from is reset. */
  relieve(fate: Fate): void;
  /** From now on reads what comes and gives it to nobody. */
  drop(): void;
  /** Resolves when all that has come so far is passed on. */
  drained(): Promise<void>;
}

/** Bytes that may wait before the sender has to. */
const MAX_WAITING = 1_048_576;

export function createFlow(
  from: Socket,
  to: Socket,
  options: {
    fates: ReadonlySet<Fate>;
    random: () => number;
    direction: "up" | "down";
    reset(): void;
    /** Sees each piece before it is passed on, and answers what of it is. */
    take?(bytes: Buffer): Buffer;
    /** Sees each piece that has been passed on. */
    passed?(bytes: Buffer): void;
  },
): Flow {
  /** Held back by fates that give it out again. */
  let held: Buffer[] = [];
  let eatenBy: Fate | null = null;
  let dropped = false;
  let waiting = 0;
  let line: Promise<void> = Promise.resolve();

  const mine = <Kind extends Fate["kind"]>(kind: Kind): Extract<Fate, { kind: Kind }>[] =>
    [...options.fates].filter(
      (fate): fate is Extract<Fate, { kind: Kind }> =>
        fate.kind === kind && (fate.direction === "both" || fate.direction === options.direction),
    );

  function pass(bytes: Buffer): void {
    const slow = mine("delay").reduce((sum, { ms, jitterMs }) => sum + ms + options.random() * jitterMs, 0);
    const due = performance.now() + slow;
    waiting += bytes.length;
    if (waiting > MAX_WAITING) from.pause();
    line = line.then(async () => {
      const early = due - performance.now();
      if (early > 0) await delay(early);
      if (!dropped && to.writable) {
        const rest = options.take?.(bytes) ?? bytes;
        if (rest.length > 0 && !to.write(rest)) await room(to);
        options.passed?.(bytes);
      }
      waiting -= bytes.length;
      if (waiting <= MAX_WAITING) from.resume();
    });
  }

  from.on("data", (bytes: Buffer) => {
    if (dropped) return;
    const [hole] = mine("swallow");
    if (hole && !hole.late) eatenBy = hole;
    if (eatenBy) return;
    if (hole || held.length > 0) held.push(bytes);
    else pass(bytes);
  });

  return {
    relieve(fate) {
      if (eatenBy === fate) options.reset();
      if (mine("swallow").length > 0) return;
      const late = held;
      held = [];
      for (const bytes of late) pass(bytes);
    },
    drop() {
      dropped = true;
      held = [];
      from.resume();
    },
    drained: () => line,
  };
}

/** Resolves when it takes more, or never will. */
function room(to: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      to.off("drain", done).off("close", done);
      resolve();
    };
    to.on("drain", done).on("close", done);
  });
}
