/** GeoJSON for tests, in few words. */

/** `"0 0, 1 1"` → `[[0, 0], [1, 1]]`. */
export const positions = (text: string): number[][] =>
  text === "" ? [] : text.split(",").map((each) => each.trim().split(" ").map(Number));

export const square = (x = 0): number[][] => positions(`${x} 0, ${x + 1} 0, ${x + 1} 1, ${x} 1, ${x} 0`);

/** A polygon of rings, each as text or as positions. */
export const polygon = (...rings: unknown[]): { type: string; coordinates: unknown[] } => ({
  type: "Polygon",
  coordinates: rings.map((ring) => (typeof ring === "string" ? positions(ring) : ring)),
});

export const point = (...coordinates: unknown[]): object => ({ type: "Point", coordinates });

export const feature = (ref: unknown, geometry: unknown = polygon(square()), properties = {}): object => ({
  type: "Feature",
  geometry,
  properties: { ref, ...properties },
});

export const collection = (...features: unknown[]): object => ({ type: "FeatureCollection", features });

/** `count` layers called layer-0, layer-1, … */
export const layers = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ ref: `layer-${i}`, label: "x" }));
