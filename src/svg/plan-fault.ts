/** What is wrong with a plan as a whole, and with single elements of it. */
import type { SVG_PROBLEMS } from "../../contract/failures/svg-imports.ts";
import type { Place } from "../json/json-fault.ts";

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

export type LeftOutCode = keyof typeof SVG_PROBLEMS;

/** An element that was not imported, and why. */
export interface LeftOut extends Place {
  code: LeftOutCode;
  element: string;
  /** As in the file; null for none. */
  id: string | null;
  reason: string;
  /** What was there, cut. */
  value?: string;
}
