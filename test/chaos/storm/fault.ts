/** What a fault is, and what it may know of the storm that it is part of. */
import type { FailureCode } from "../../../contract/failures.ts";
import type { Draft } from "../../support/publishing.ts";
import type { City } from "./city.ts";
import type { Random } from "./random.ts";

/** A publish that has been accepted, and has not ended. */
export interface UnderWay {
  job: string;
  draft: Draft;
}

/** An attempt that died with its worker, and where the next one may begin at the latest. */
export interface Broken {
  job: string;
  index: number;
  /** Of the job's ledger when it died. */
  seq: number;
}

export interface Storm {
  city: City;
  random: Random;
  underWay(): UnderWay[];
  /** Notes it for the end: the job's ledger must tell of an attempt that went on there. */
  demandResume(broken: Broken): void;
}

export interface Fault {
  name: string;
  /** What it is done to: one fault at a time each. */
  to: "worker" | "gateway" | "postgres" | "temporal" | "disk" | "store" | "object";
  /** How long it lasts in ms, at least and at most. */
  lasts: readonly [number, number];
  /** Begins it, and answers how to end it. Null: there is nothing to do it to at the moment. */
  begin(storm: Storm): Promise<(() => Promise<unknown>) | null>;
  /** Codes that a publish may fail with because of it; whoever asked for it then asks again. Default: none. */
  mayFail?: readonly FailureCode[];
}
