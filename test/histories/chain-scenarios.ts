/** The golden histories of groups whose history grew long: the run that continues as new, and the one that goes on. Each answers its run. */
import { startJob } from "../../src/jobs/protocol/start.ts";
import type { ChaosRoom } from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, until } from "../support/publishing.ts";
import type { RecordedRun } from "./record-history.ts";

export type ChainScenario = (room: ChaosRoom) => Promise<RecordedRun>;

/**
 * When the server suggests to continue: by default at 4,096 events, 1,100 members or an hour of looks later. A run that goes on to its end
 * has fewer than this.
 */
export const LONG_EVENTS = 40;
const END_MS = 60_000;
const nothing = { type: "maintenance", payload: { dry_run: true } };

export const CHAIN_SCENARIOS: Record<string, ChainScenario> = {
  continued: async (room) => (await playChain(room)).first,
  "goes-on": async (room) => (await playChain(room)).second,
};

/** The first run looks at its members, which are held, until it is long; the second knows them as another's, and begins the last itself. */
async function playChain(room: ChaosRoom): Promise<{ first: RecordedRun; second: RecordedRun }> {
  const members = [
    { key: "left", ...nothing },
    { key: "right", ...nothing },
    { key: "last", ...nothing, depends_on: ["left", "right"] },
  ];
  const job = await startSample(room, await createDraft(room), { type: "group", payload: { members }, start: false });
  const gate = await room.gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
  await startJob(room.deps, job, 1);
  const { workflow_id } = await jobRow(room, job);
  const run = async (): Promise<RecordedRun> => ({ workflow_id, run_id: (await jobRow(room, job)).run_id ?? "" });
  const first = await until("the first run to have the row", async () => {
    const begun = await run();
    return begun.run_id !== "" && begun;
  });
  const second = await until(
    "the run to go on in another",
    async () => {
      const now = await run();
      return now.run_id !== first.run_id && now;
    },
    END_MS,
  );
  await gate.open();
  await room.ended(job, END_MS);
  const { status } = await room.temporal.client.workflow.getHandle(workflow_id, second.run_id).describe();
  if (status.name === "CONTINUED_AS_NEW") throw new Error("the second run grew long, too");
  return { first, second };
}
