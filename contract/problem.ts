/** One thing wrong with a draft, a request, or an item of an import. `path` is a JSON pointer, e.g. `/overlays/plot-17/geometry`. */
export interface Problem {
  code: string;
  path: string;
  message: string;
  /** What was there, where that helps; long values are cut. */
  value?: unknown;
}
