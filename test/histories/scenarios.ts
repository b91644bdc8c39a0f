/** The golden histories: every way that a publish goes through its workflow. Each answers the job whose workflow's run is recorded. */
import { open } from "node:fs/promises";
import { isFinal } from "../../contract/job-state.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { query } from "../../src/db.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { publicTile, sourceTile } from "../support/chaos-room.ts";
import { picture, untiledDraft } from "../support/pictures.ts";
import { createDraft, jobRow, queueJob, until, type Draft } from "../support/publishing.ts";
import { newPrefix, type RiggedRoom, type Timeouts } from "../support/rigged-room.ts";
import type { RiggedStep } from "../support/step-stores.ts";
import { pressInWebUi, type Press } from "../support/truth/presses.ts";

export type Scenario = (room: RiggedRoom) => Promise<string>;

/** A step as its activity is called. */
const ACTIVITY = {
  ...{ validate: "validate", generate_release: "generateRelease", upload: "upload", verify_tiles: "verifyTiles" },
  mark_published: "markPublished",
} as const satisfies Record<RiggedStep, string>;
const STEPS = Object.keys(ACTIVITY) as RiggedStep[];
const END_MS = 60_000;
/** Long enough to come to the upload on a busy machine. */
const TIMEOUT_MS = 10_000;

/** First part of the file names: of the release whose runs they stand for, from package.json's. Older files stay, for older runs. */
export const VERSION = "0.2";

export const SCENARIOS: Record<string, Scenario> = {
  completed: async (room) => ended(room, (await begin(room)).job),
  ...perStep("fails-once", async (room, step) => {
    const { job } = await begin(room, { before: (draft) => room.rigs.fail(draft.project, step) });
    return ended(room, job);
  }),
  "validate-fails": async (room) => ended(room, (await begin(room, { config: null })).job),
  "generate-release-fails": (room) => meanwhile(room, "validate", (draft) => edit(room, draft)),
  "upload-fails": (room) => meanwhile(room, "upload", async (draft) => damage(await sourceTile(room, draft, 0))),
  "verify-tiles-fails": (room) =>
    meanwhile(room, "verify_tiles", async (draft) => {
      for (const tile of [await sourceTile(room, draft, 0), await publicTile(room, draft, 0)]) await damage(tile);
    }),
  "mark-published-fails": (room) => meanwhile(room, "verify_tiles", (draft) => edit(room, draft)),
  ...perStep("cancelled", (room, step) =>
    meanwhile(room, step, async (_, job) => {
      // Behind the switch the API refuses a cancel, the Web UI does not, and it ends completed.
      if (step === "mark_published") return press(room, job, "cancel");
      return cancelled(room, job);
    }),
  ),
  async "queued-cancelled"(room) {
    const prefix = newPrefix();
    const { job } = await begin(room, { prefix });
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await room.worker(prefix);
    return ended(room, job);
  },
  "upload-killed": (room) => killed(room, "upload"),
  "verify-tiles-killed": (room) => killed(room, "verify_tiles"),
  "upload-terminated": (room) => meanwhile(room, "upload", (_, job) => press(room, job, "terminate")),
  ...perStep("reset", (room, step) =>
    meanwhile(room, step, async ({ project }, job) => {
      const [old] = await room.rigs.waiting(project, step);
      await press(room, job, "reset to the step", step);
      await until("generation 2", async () => (await jobRow(room, job)).generation === 2);
      if (step === "mark_published") return;
      // Let go together, the attempts of the old and the new run would share the work, each time another way.
      const isNewAlone = async (): Promise<boolean> => {
        const [one, ...others] = await room.rigs.waiting(project, step);
        return one !== undefined && one !== old && others.length === 0;
      };
      await until("the new attempt to wait there alone", isNewAlone, END_MS);
    }),
  ),
  async retried(room) {
    const { job, draft } = await begin(room, { config: null });
    await ended(room, job);
    await replaceConfig(room.database.em.fork(), draft, { title: "Town" });
    await retryJob(room.deps, { job_id: job, by: room.principal });
    return ended(room, job);
  },
  // Cancelled in it, and so gone on from it with what the steps before it had yielded.
  ...perStep(
    "retried",
    async (room, step) => {
      const job = await meanwhile(room, step, (_, id) => cancelled(room, id));
      await until("the row to be cancelled", async () => isFinal((await jobRow(room, job)).status), END_MS);
      await retryJob(room.deps, { job_id: job, by: room.principal });
      return ended(room, job);
    },
    // Behind the switch nothing ends cancelled.
    STEPS.filter((step) => step !== "mark_published"),
  ),
  async "makes-tiles"(room) {
    const draft = await untiledDraft(room, await picture(700, 500));
    const job = await queueJob(room, draft);
    await room.start(job);
    return ended(room, job);
  },
  async "upload-timed-out"(room) {
    const { job, draft } = await begin(room, {
      before: ({ project }) => room.rigs.hold(project, "upload"),
      timeouts: { workflowExecutionTimeout: TIMEOUT_MS },
    });
    await until("the time limit", async () => (await status(room, job)) === "TIMED_OUT", END_MS);
    await room.rigs.release(draft.project, "upload");
    return job;
  },
};

function perStep(
  what: string,
  scenario: (room: RiggedRoom, step: RiggedStep) => Promise<string>,
  steps: readonly RiggedStep[] = STEPS,
): Record<string, Scenario> {
  const named = steps.map((step) => [`${step.replaceAll("_", "-")}-${what}`, (room: RiggedRoom) => scenario(room, step)]);
  return Object.fromEntries(named) as Record<string, Scenario>;
}

async function cancelled(room: RiggedRoom, job: string): Promise<void> {
  await cancelJob(room.deps, { job_id: job, by: room.principal });
  // A held attempt hears of it while it waits; let go at once, it could be done first.
  await until("the cancel to be heard", async () => (await status(room, job)) !== "RUNNING", END_MS);
}

interface Beginning {
  config?: null;
  prefix?: string;
  timeouts?: Timeouts;
  before?: (draft: Draft) => Promise<void>;
}

async function begin(room: RiggedRoom, { config, before, ...options }: Beginning = {}): Promise<{ job: string; draft: Draft }> {
  const draft = await createDraft(room, config === null ? { config } : {});
  await before?.(draft);
  const job = await queueJob(room, draft);
  await room.start(job, options);
  return { job, draft };
}

/** Something is done while the publish is held in a step. */
async function meanwhile(
  room: RiggedRoom,
  step: RiggedStep,
  act: (draft: Draft, job: string) => Promise<unknown>,
  options: { prefix?: string } = {},
): Promise<string> {
  const { job, draft } = await begin(room, { ...options, before: ({ project }) => room.rigs.hold(project, step) });
  await room.rigs.reached(draft.project, step);
  await act(draft, job);
  await room.rigs.release(draft.project, step);
  return ended(room, job);
}

const killed = async (room: RiggedRoom, step: RiggedStep): Promise<string> => {
  const prefix = newPrefix();
  const worker = await room.worker(prefix);
  return meanwhile(
    room,
    step,
    async () => {
      await worker.kill();
      await room.worker(prefix);
    },
    { prefix },
  );
};

const press = (room: RiggedRoom, job: string, what: Press, step: RiggedStep = "upload"): Promise<void> =>
  pressInWebUi(what, { room, job, activity: ACTIVITY[step] });

const handleOf = (room: RiggedRoom, job: string) => room.temporal.client.workflow.getHandle(workflowId("publish", job));

const status = async (room: RiggedRoom, job: string): Promise<string> => (await handleOf(room, job).describe()).status.name;

/** The workflow has closed, and with it the row is final; only a terminated one leaves that to the reconciler. */
async function ended(room: RiggedRoom, job: string): Promise<string> {
  await until(
    `${job} to end`,
    async () => {
      const name = await status(room, job);
      return name !== "RUNNING" && (name === "TERMINATED" || isFinal((await jobRow(room, job)).status));
    },
    END_MS,
  );
  return job;
}

/** What an edit of the draft leaves. */
async function edit(room: RiggedRoom, draft: Draft): Promise<void> {
  await query(room.database.em.fork(), `update versions set revision = revision + 1 where id = $1`, [draft.version_id]);
}

/** Other bytes, and as many. */
async function damage(path: string): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, 0);
  await file.close();
}
