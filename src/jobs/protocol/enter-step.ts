/** enterStep: claims, continues, takes over from the run before, adopts or stops. Every activity begins with it. */
import { isFinal } from "../../../contract/job-state.ts";
import { AppError } from "../../errors.ts";
import { readJob, type JobRow } from "../job-store.ts";
import { writeJob, type NewEvent } from "../job-writes-store.ts";
import { adopt } from "./adopt.ts";
import { continues, type Attempt, type Entered, type ProtocolDeps } from "./attempt.ts";
import { entering, type Entering, type StepEntry } from "./entered.ts";

type Look =
  | Exclude<Entered, { kind: "entered" }>
  | ({ kind: "enter" } & Entering)
  | { kind: "not_mine"; run_id: string | null; generation: number };

/** Loops only while the row changes between look and write, which takes a cancel, a reset or a retry each time. */
export async function enterStep(deps: ProtocolDeps, attempt: Attempt, entry: StepEntry): Promise<Entered> {
  for (;;) {
    const outcome = await enterOnce(deps, attempt, entry);
    if (outcome.kind === "changed") continue;
    if (outcome.kind === "entered" || outcome.kind === "guard_lost") deps.notifier.touch(attempt.job_id);
    return outcome;
  }
}

async function enterOnce(
  deps: ProtocolDeps,
  attempt: Attempt,
  entry: StepEntry,
): Promise<Entered | { kind: "changed" }> {
  const db = deps.database.em.fork();
  const row = await readJob(db, attempt.job_id);
  if (!row) throw new AppError("job_not_found", { job: attempt.job_id });
  const look = lookAtRow(row, attempt, entry);
  if (look.kind === "not_mine") return adopt(deps, attempt, look, entry);
  if (look.kind !== "enter") return look;
  // Read without a lock, so written only if the row is still the one that was read.
  const written = await writeJob(db, row.id, look.patch, look.events, { fence: row });
  return written ? look.outcome : { kind: "changed" };
}

function lookAtRow(row: JobRow, attempt: Attempt, entry: StepEntry): Look {
  const started_for_this = attempt.generation === row.generation;
  const { segment = 0 } = attempt;

  if (row.status === "queued" && started_for_this) {
    const data = { status: "running", generation: row.generation, message: entry.message };
    const claimed = { status: "running" as const, run_id: attempt.run_id, segment, started_at: "now" as const };
    return enter(entering(row, attempt, entry, claimed), { kind: "status", data });
  }
  if (row.status === "cancelled" && (row.run_id === attempt.run_id || (!attempt.reset && started_for_this))) {
    return ended(row);
  }
  if (row.run_id === attempt.run_id) {
    if (row.status === "queued" || isFinal(row.status)) return ended(row);
    if (row.attempt_at > attempt.attempt_at) return { kind: "stop" };
    return enter(entering(row, attempt, entry, {}));
  }
  if (attempt.reset && continues(row, attempt)) {
    if (isFinal(row.status)) return ended(row);
    if (row.status === "running" && segment === row.segment + 1)
      return enter(entering(row, attempt, entry, { run_id: attempt.run_id, segment }));
  }
  // A retry's run that starts while a reset's run adopts the row finds it running: it may be the only one that is open.
  if (!attempt.reset && row.status !== "running") return { kind: "end", status: "superseded" };
  return { kind: "not_mine", run_id: row.run_id, generation: row.generation };
}

const enter = (entering: Entering, ...before: NewEvent[]): Look => ({
  kind: "enter",
  ...entering,
  events: [...before, ...entering.events],
});

const ended = (row: JobRow): Extract<Entered, { kind: "end" }> => ({
  kind: "end",
  status: row.status,
  ...(row.result ? { result: row.result } : {}),
});
