/** What runs in the threads of `geometry-threads.ts`. */
import { geometryProblem } from "./geometry-problem.ts";

export interface GeometryTask {
  /** JSON texts. */
  geometries: readonly string[];
  /** Becomes 1 when the thread takes the task up: it may have waited for another one's. */
  begun: Int32Array;
}

export default function problemsOf({ geometries, begun }: GeometryTask): (string | null)[] {
  Atomics.store(begun, 0, 1);
  return geometries.map((text) => geometryProblem(JSON.parse(text)));
}
