/**
 * Breadth first, so the trace to a violation is a shortest one; then backwards from the states at rest: from every state that was
 * found, healthy steps alone must lead to rest. States are known by 64 bits of hash.
 */
import type { Model } from "./model.ts";
import type { State } from "./state.ts";

export interface Found {
  states: number;
  transitions: number;
  depth: number;
  /** Everything was explored. */
  complete: boolean;
  seconds: number;
  /** States that were cut off because they needed more slots or runs than the setting has. */
  overflow: number;
  violation?: string;
  trace?: string[];
}

export function search(model: Model, limits: { states: number; seconds: number }): Found {
  const began = performance.now();
  const seen = createStates(limits.states);
  const healthy = createEdges();
  const parents = new Int32Array(limits.states);
  const orders = new Uint16Array(limits.states);
  const resting: number[] = [];
  let transitions = 0;
  let depth = 0;
  let full = false;
  let broken: { what: string; from: number; order: number } | null = null;

  const first = model.initial();
  seen.add(first);
  let frontier: { state: State; id: number }[] = [{ state: first, id: 0 }];
  while (frontier.length > 0 && !full && !broken) {
    const next: typeof frontier = [];
    for (const { state, id } of frontier) {
      if (performance.now() - began > limits.seconds * 1_000) full = true;
      if (full || broken) break;
      let order = -1;
      model.successors(state, (found, _label, kind) => {
        order += 1;
        if (full || broken) return;
        transitions += 1;
        const what = model.takeViolation() ?? model.fault(found);
        if (what) return void (broken = { what, from: id, order });
        const known = seen.find(found);
        const to = known ?? seen.add(found);
        if (to === null) return void (full = true);
        if (known === null) {
          parents[to] = id;
          orders[to] = order;
          next.push({ state: found, id: to });
          if (model.isAtRest(found)) {
            resting.push(to);
            const fault = model.faultAtRest(found);
            if (fault) broken = { what: fault, from: id, order };
          }
        }
        if (kind === "healthy" && to !== id) healthy.add(id, to);
      });
    }
    frontier = next;
    depth += 1;
  }

  const result: Found = {
    ...{ states: seen.size(), transitions, depth, complete: !full && !broken },
    ...{ seconds: (performance.now() - began) / 1_000, overflow: model.overflow() },
  };
  const pathTo = (id: number): number[] => {
    const orderOf: number[] = [];
    for (let at = id; at > 0; at = parents[at] as number) orderOf.unshift(orders[at] as number);
    return orderOf;
  };
  const at = broken as { what: string; from: number; order: number } | null;
  if (at) return { ...result, violation: at.what, trace: replay(model, [...pathTo(at.from), at.order]) };
  const stuck = full ? null : healthy.firstWithout(resting, seen.size());
  if (stuck === null) return result;
  return { ...result, violation: "healthy steps do not lead to rest", trace: replay(model, pathTo(stuck)) };
}

/** The labels on a path, and the state that it ends in. */
function replay(model: Model, path: readonly number[]): string[] {
  let state = model.initial();
  const labels: string[] = [];
  for (const wanted of path) {
    let order = 0;
    let taken: State | null = null;
    model.successors(state, (next, label) => {
      if (order++ !== wanted) return;
      taken = next;
      labels.push(label());
    });
    state = taken ?? state;
  }
  model.takeViolation();
  return [...labels, `=> ${model.show(state)}`];
}

/** A set of states: open addressing over two hashes of 32 bits. */
function createStates(max: number) {
  const capacity = 2 ** Math.ceil(Math.log2(max * 2));
  const table = new Int32Array(capacity).fill(-1);
  const [high, low] = [new Uint32Array(max), new Uint32Array(max)];
  let count = 0;
  let [a, b] = [0, 0];

  function hash(state: State): void {
    let x = 0x811c9dc5;
    let y = 0x9e3779b9;
    for (const byte of state) {
      x = Math.imul(x ^ byte, 0x01000193);
      y = Math.imul((y + byte) | 0, 0x85ebca6b);
      y ^= y >>> 13;
    }
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x ^= x >>> 12;
    y = Math.imul(y ^ x, 0xc2b2ae35);
    a = x >>> 0;
    b = (y ^ (y >>> 16)) >>> 0;
  }
  /** Where it is, or would be. */
  function place(): number {
    let at = (a ^ Math.imul(b, 7)) & (capacity - 1);
    for (;;) {
      const id = table[at] as number;
      if (id < 0 || (high[id] === a && low[id] === b)) return at;
      at = (at + 1) & (capacity - 1);
    }
  }
  return {
    size: () => count,
    find(state: State): number | null {
      hash(state);
      const id = table[place()] as number;
      return id < 0 ? null : id;
    },
    /** The new state's number, or null when there is no room. */
    add(state: State): number | null {
      if (count >= max) return null;
      hash(state);
      table[place()] = count;
      high[count] = a;
      low[count] = b;
      return count++;
    },
  };
}

function createEdges() {
  let from = new Int32Array(1 << 16);
  let to = new Int32Array(1 << 16);
  let count = 0;
  const doubled = (array: Int32Array): Int32Array<ArrayBuffer> => {
    const larger = new Int32Array(array.length * 2);
    larger.set(array);
    return larger;
  };
  return {
    add(a: number, b: number): void {
      if (count === from.length) [from, to] = [doubled(from), doubled(to)];
      from[count] = a;
      to[count++] = b;
    },
    /** The first state, but for the initial one, from which no edges lead to any of `goals`. */
    firstWithout(goals: readonly number[], states: number): number | null {
      const heads = new Int32Array(states + 1);
      for (let edge = 0; edge < count; edge++) heads[(to[edge] as number) + 1]! += 1;
      for (let state = 0; state < states; state++) heads[state + 1]! += heads[state] as number;
      const next = heads.slice();
      const sources = new Int32Array(count);
      for (let edge = 0; edge < count; edge++) sources[next[to[edge] as number]!++] = from[edge] as number;
      const reached = new Uint8Array(states);
      reached[0] = 1;
      const queue = [...goals];
      for (const goal of goals) reached[goal] = 1;
      for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
        for (let at = heads[state] as number; at < (heads[state + 1] as number); at++) {
          const source = sources[at] as number;
          if (reached[source]) continue;
          reached[source] = 1;
          queue.push(source);
        }
      }
      const missing = reached.indexOf(0);
      return missing < 0 ? null : missing;
    },
  };
}
