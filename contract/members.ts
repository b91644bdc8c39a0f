/** What a parent's workflow and its activity tell each other of the jobs that it starts. Never reorder or rename fields: histories hold them. */
import type { StepInput } from "./job-input.ts";
import type { StartOptions } from "./job-start.ts";

/** A look at the members. */
export interface MembersInput extends StepInput {
  /** Positions of the members whose workflows this run has started and not seen end. */
  own: number[];
  /** Positions of those whose workflows it found there already. */
  attached: number[];
  /** Begin none and cancel those that are open. */
  stopping: boolean;
}

/** A job that the workflow is to start. */
export interface MemberStart extends StartOptions {
  position: number;
}

/** What has become of the members, and what the workflow is to do about it. */
export interface MembersLook {
  /** None is open, none will begin any more. */
  ended: boolean;
  /** Of an ended group. */
  result?: object;
  start: MemberStart[];
  /** More are due than one look begins. */
  more: boolean;
  /** Members are open that this run has not started itself: it hears of their ends by looking. */
  attached: boolean;
  /** Of the parent's row. */
  generation: number;
}
