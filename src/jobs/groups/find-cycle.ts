/** Members that wait for each other for ever. Pure. */

/** Keys along a circle, each depending on the next and the last on the first; null when there is none. Unknown keys lead nowhere. */
export function findCycle(members: readonly { key: string; depends_on: readonly string[] }[]): string[] | null {
  const needs = new Map(members.map(({ key, depends_on }) => [key, new Set(depends_on)]));
  const needed = new Map<string, string[]>();
  const waits = new Map<string, number>();
  for (const [key, depends] of needs) {
    const known = [...depends].filter((each) => needs.has(each));
    waits.set(key, known.length);
    for (const each of known) {
      const others = needed.get(each);
      if (others) others.push(key);
      else needed.set(each, [key]);
    }
  }
  // Whoever waits for nobody that is left is in no circle, and is taken away.
  const free = [...needs.keys()].filter((key) => waits.get(key) === 0);
  for (let key = free.pop(); key !== undefined; key = free.pop()) {
    needs.delete(key);
    for (const other of needed.get(key) ?? []) {
      const left = (waits.get(other) ?? 0) - 1;
      waits.set(other, left);
      if (left === 0) free.push(other);
    }
  }
  const [start] = needs.keys();
  if (start === undefined) return null;
  // Everybody left depends on somebody left: following that leads into a circle.
  const path: string[] = [];
  for (let at = start; ;) {
    const seen = path.indexOf(at);
    if (seen >= 0) return path.slice(seen);
    path.push(at);
    at = [...(needs.get(at) ?? [])].find((each) => needs.has(each)) ?? at;
  }
}
