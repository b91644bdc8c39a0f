/** One decision of a replayed workflow's code. */
export interface ToldCommand {
  kind: "activity" | "timer" | "child" | "patch" | "end" | "other";
  /** The type of the event that the server writes for it, without its prefix. */
  event: string;
  /** Of the activity, the child's type, the timer's number, the patch; empty where there is none. */
  name: string;
  seq: number;
  /** `…/workflows/publish.ts:47`, where the code asked for it; null where that is not known. */
  place: string | null;
}
