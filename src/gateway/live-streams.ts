/** All streams of a gateway: how many there may be, one clock for their pings and ages, and their end when it goes down. */
import { AppError } from "../errors.ts";

export interface LiveStreams {
  /**
   * A place for one more stream of the principal, until `release` is called, which may be more than once. Errors: `too_many_streams`;
   * `unavailable` when the gateway is going down.
   */
  admit(principal: { id: string }): Place;
  /** Looks after a connection: it is pinged, and ends at a random moment between two thirds of the longest age and all of it. */
  add<Kind extends Connection>(make: (times: Times) => Kind): Kind;
  /** Streams that have a place. */
  size(): number;
  readonly closing: boolean;
  /** Ends all. Resolves when their clients have got everything, at most after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** A connection that lives as long as its client wants. */
export interface Connection {
  /** Everything that takes time; `everyMs`: between two pings. False once it has closed. */
  tick(now: number, everyMs: number): boolean;
  /** It is to end, in peace. */
  expire(): void;
  readonly isClosed: boolean;
  destroy(): void;
}

/** ms of `performance.now()`. */
export interface Times {
  endAt: number;
  pingAt: number;
}

export interface Place {
  release(): void;
}

export interface LiveStreamsOptions {
  pingMs: number;
  maxAgeMs: number;
  /** Streams and subscriptions of all clients together, and of one principal. */
  maxStreams: number;
  maxPerPrincipal: number;
}

/** Between two looks at all wires: 10,000 take it less than a millisecond. */
const TICK_MS = 250;
/** Between two looks whether all have closed. */
const CLOSING_MS = 20;

export function createLiveStreams(options: LiveStreamsOptions): LiveStreams {
  const { pingMs, maxAgeMs } = options;
  const connections = new Set<Connection>();
  const byPrincipal = new Map<string, number>();
  let size = 0;
  let closing = false;
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    const now = performance.now();
    for (const each of connections) if (!each.tick(now, pingMs)) connections.delete(each);
    if (connections.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function add<Kind extends Connection>(make: (times: Times) => Kind): Kind {
    const now = performance.now();
    const made = make({ endAt: now + maxAgeMs * (2 / 3 + Math.random() / 3), pingAt: now + pingMs });
    connections.add(made);
    timer ??= setInterval(tick, Math.min(TICK_MS, pingMs));
    return made;
  }

  return {
    get closing() {
      return closing;
    },
    size: () => size,
    admit({ id }) {
      if (closing) throw new AppError("unavailable", { service: "This gateway", reason: "it is going down" });
      const own = byPrincipal.get(id) ?? 0;
      const { maxStreams, maxPerPrincipal } = options;
      if (own >= maxPerPrincipal)
        throw new AppError("too_many_streams", { limit: maxPerPrincipal, whose: "The owner of this key" });
      if (size >= maxStreams) throw new AppError("too_many_streams", { limit: maxStreams, whose: "This gateway" });
      byPrincipal.set(id, own + 1);
      size += 1;
      let held = true;
      return {
        release() {
          if (!held) return;
          held = false;
          size -= 1;
          const left = (byPrincipal.get(id) ?? 1) - 1;
          if (left > 0) byPrincipal.set(id, left);
          else byPrincipal.delete(id);
        },
      };
    },
    add,
    async close(graceMs) {
      closing = true;
      for (const each of connections) each.expire();
      const late = performance.now() + graceMs;
      while ([...connections].some(({ isClosed }) => !isClosed) && performance.now() < late)
        await new Promise((next) => setTimeout(next, CLOSING_MS));
      for (const each of connections) each.destroy();
      tick();
    },
  };
}
