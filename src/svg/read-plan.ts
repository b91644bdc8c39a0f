/** A plan out of its bytes, as they come. */
import { createDecoder } from "./decode-plan.ts";
import { drawPlan } from "./draw-plan.ts";
import { PlanFault } from "./plan-fault.ts";
import type { Plan, PlanOptions } from "./plan.ts";
import { createTreeReader } from "./read-tree.ts";

export interface PlanReader {
  /** Errors: PlanFault. */
  write(chunk: Uint8Array): void;
  /** Errors: PlanFault. */
  end(): Plan;
}

export function createPlanReader(options: PlanOptions = {}): PlanReader {
  const decode = createDecoder();
  const tree = createTreeReader();
  return {
    write: (chunk) => sound(() => tree.write(decode(chunk))),
    end: () =>
      sound(() => {
        tree.write(decode());
        return drawPlan(tree.end(), options);
      }),
  };
}

/** A text longer than JavaScript can hold is too complex, and no fault of ours. */
function sound<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new PlanFault("svg_too_complex", error.message);
    throw error;
  }
}
