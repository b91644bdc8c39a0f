/** What is wrong with a plan as a whole, and with single elements of it. */
import type { SVG_PROBLEMS } from "../../contract/failures/svg-imports.ts";
import type { Place } from "../json/json-fault.ts";
import { MAX_LAYERS } from "./limits.ts";

/** The whole plan is refused; `reason` continues "The plan cannot be read: …". Plain words: it crosses a thread. */
export class PlanFault extends Error {
  override name = "PlanFault";
  readonly code: "svg_invalid" | "svg_too_complex";
  readonly place: Place | null;

  constructor(code: PlanFault["code"], reason: string, place: Place | null = null) {
    super(reason);
    this.code = code;
    this.place = place;
  }
}

/** Of the groups that are layers beyond the 1,000th, in the plan or in the draft. */
export const LAYERS_TOO_MANY = `a version has at most ${MAX_LAYERS} layers; what is in it is imported without one`;

export type LeftOutCode = keyof typeof SVG_PROBLEMS;

/** An element of a plan, as people find it. */
export interface Origin extends Place {
  element: string;
  /** As in the file; null for none. */
  id: string | null;
}

/** An element that was not imported, and why. */
export interface LeftOut extends Origin {
  code: LeftOutCode;
  reason: string;
  /** What was there, cut. */
  value?: string;
}
