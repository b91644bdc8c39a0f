import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SCHEDULED_PREFIX, SCHEDULED_QUEUE, SCHEDULED_RUN, type ScheduledRunInput } from "../../contract/schedule.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { createReplayer } from "../../src/replay/create-replayer.ts";
import { gateLive } from "../../src/replay/gate-live.ts";
import { createHistories, type Histories, type WorkflowRun } from "../../src/replay/read-history.ts";
import { queueName } from "../../src/temporal.ts";
import { startWorker } from "../../src/worker/create-worker.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { recordings } from "../rules/replay-histories.ts";
import { ROOT } from "../rules/source-files.ts";
import { createBreakingProxy } from "../support/breaking-proxy.ts";
import { workflowResult } from "../support/operator.ts";
import { startOwnTemporal } from "../support/own-servers.ts";
import { createDraft, createPublishing, queueJob, until, type Publishing } from "../support/publishing.ts";
import { copySource } from "./source-copy.ts";

let room: Publishing;
/** One that has completed, and one whose worker went away in the middle. */
let completed: string;
let open: string;
/** Workflow id of the run of a schedule that waits for the open one. */
const scheduled = `${SCHEDULED_PREFIX}${randomUUID()}`;
/** What the gate said of the namespace before there was anything. */
let empty: { code: number; stdout: string };
beforeAll(async () => {
  // Of its own: the gate looks at all that is in a namespace.
  room = await createPublishing({ temporal: await startOwnTemporal() });
  empty = await gate(`${ROOT}/src/cli/main.ts`);
  const worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
  completed = await queueJob(room, await createDraft(room));
  await startJob(room.deps, completed, 1);
  await workflowResult(room, completed);
  const large = { width: 16_384, height: 16_384, tile_size: 256, overlap: 0, format: "png" } as const;
  open = await queueJob(room, await createDraft(room, { descriptor: large, tileBytes: 40 }));
  await startJob(room.deps, open, 1);
  await until("the upload to be scheduled", async () =>
    (await handleOf(open).fetchHistory()).events?.some(
      ({ activityTaskScheduledEventAttributes: its }) => its?.activityType?.name === "upload",
    ),
  );
  await room.temporal.client.workflow.start(SCHEDULED_RUN, {
    workflowId: scheduled,
    taskQueue: queueName(SCHEDULED_QUEUE, room.temporal.taskQueuePrefix),
    args: [{ schedule_id: randomUUID(), tenant: "harbour", revision: 1, job_id: open } satisfies ScheduledRunInput],
  });
  await until("the run of a schedule to have looked at its job", async () =>
    (await room.temporal.client.workflow.getHandle(scheduled).fetchHistory()).events?.some(
      ({ timerStartedEventAttributes: its }) => its,
    ),
  );
  await worker.stop();
});
afterAll(() => room?.close());

const handleOf = (id: string) => room.temporal.client.workflow.getHandle(workflowId("publish", id));
const gate = (main: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [main, "gate", "--live", "--temporal", room.temporal.address, ...args], {
    cwd: "/",
    env: {},
  })
    .then(({ stdout }) => ({ code: 0, stdout }))
    .catch((error: { code: number; stdout: string }) => error);
const lines = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("platen gate --live", { timeout: 120_000 }, () => {
  it("passes code that goes on with every open and recent workflow, and says how many it replayed", async () => {
    await until("both to be listed", async () => {
      const found = room.temporal.client.workflow.list({
        query: `TaskQueue = "${room.temporal.taskQueuePrefix}publish" and CloseTime is not null`,
      });
      for await (const { workflowId: each } of found) if (each === workflowId("publish", completed)) return true;
      return false;
    });
    const { code, stdout } = await gate(`${ROOT}/src/cli/main.ts`);
    expect(stdout).toMatch("✓ Replayed 3 workflows of namespace default, 2 of them open: this code breaks none.");
    expect(code).toBe(0);
  });

  it("fails for code that would break some, with each of them, its event and the reason", async () => {
    const clone = await copySource();
    try {
      // Breaks what stands in upload or has passed it.
      await clone.change(
        "workflows/publish.ts",
        "writing.upload.executeWithOptions",
        "writing.generateRelease.executeWithOptions",
      );
      const { code, stdout } = await gate(clone.path("src/cli/main.ts"), "--json");
      const told = lines(stdout);
      for (const [id, status] of [
        [open, "RUNNING"],
        [completed, "COMPLETED"],
      ] as const)
        expect(told).toContainEqual(
          expect.objectContaining({
            ...{ workflow_id: workflowId("publish", id), status },
            divergence: expect.objectContaining({
              history: "the activity upload was scheduled",
              code: "it scheduled the activity generateRelease",
            }),
          }),
        );
      expect(told.at(-1)).toEqual({ replayed: 3, open: 2, broken: 2, gone: 0, cut: false });
      expect(code).toBe(1);
    } finally {
      await clone.close();
    }
  });

  it("fails for code that would break an open run of a schedule, which is no job's", async () => {
    const clone = await copySource();
    try {
      await clone.change(
        "workflows/scheduled-job.ts",
        "await scheduling.lookAtScheduledJob({ job_id })",
        "(await sleep(1), await scheduling.lookAtScheduledJob({ job_id }))",
      );
      const { code, stdout } = await gate(clone.path("src/cli/main.ts"), "--json");
      const told = lines(stdout);
      expect(told).toContainEqual(
        expect.objectContaining({
          ...{ workflow_id: scheduled, status: "RUNNING" },
          divergence: expect.objectContaining({
            history: "the activity lookAtScheduledJob was scheduled",
            code: "it started the timer 1",
          }),
        }),
      );
      expect(told.at(-1)).toEqual({ replayed: 3, open: 2, broken: 1, gone: 0, cut: false });
      expect(code).toBe(1);
    } finally {
      await clone.close();
    }
  });

  it("takes the open ones first, no more than it is told to, and does not pass what that leaves out", async () => {
    const limited = await gate(`${ROOT}/src/cli/main.ts`, "--json", "--limit", "1");
    expect(lines(limited.stdout)).toEqual([{ replayed: 1, open: 1, broken: 0, gone: 0, cut: true }]);
    expect(limited.code).toBe(1);
    const told = await gate(`${ROOT}/src/cli/main.ts`, "--limit", "1");
    expect(told.stdout).toContain("What was not looked at has not passed");
    expect(told.stdout).not.toContain("breaks none");
    const enough = await gate(`${ROOT}/src/cli/main.ts`, "--json", "--limit", "3");
    expect(lines(enough.stdout)).toEqual([{ replayed: 3, open: 2, broken: 0, gone: 0, cut: false }]);
    expect(enough.code).toBe(0);
    const [help, wrong] = [await runPlaten(["gate", "--help"]), await runPlaten(["gate", "--live", "--limit", "0"])];
    expect(help.stdout).toMatch(/default:\s+100000/);
    expect(wrong.stderr).toContain("from 1 to 1000000");
  });

  it("says that it has found nothing, where there is nothing of ours", () => {
    expect(empty.stdout).toMatch(/^Found no workflows of ours in namespace default:/m);
    expect(empty.stdout).not.toContain("breaks none");
    expect(empty.code).toBe(0);
  });

  it("passes nothing when Temporal cannot be read", async () => {
    const { code, stderr } = await runPlaten(["gate", "--live", "--temporal", "127.0.0.1:9"]);
    expect(stderr).toMatch(/Temporal at 127\.0\.0\.1:9 cannot be read/);
    expect(code).toBe(3);
    expect((await runPlaten(["gate", "--live"])).stderr).toContain("No Temporal is named");
    expect((await runPlaten(["gate", "--live", "--since", "yesterday"])).stderr).toContain("90m, 24h, 7d");
  });
});

describe("the gate and its server", { timeout: 60_000 }, () => {
  it("bears an answer that comes too late, in a list and in a history", async () => {
    const proxy = await createBreakingProxy();
    await proxy.open(Number(room.temporal.address.split(":")[1]));
    const histories = createHistories({
      ...{ address: `127.0.0.1:${proxy.port}`, namespace: "default" },
      deadlineMs: 1_000,
    });
    try {
      // What the server answers comes, and 1.5 s late.
      const holdAnswers = (): void => void setTimeout(proxy.swallow({ direction: "down", late: true }), 1_500);
      await histories.ping();
      holdAnswers();
      const found: WorkflowRun[] = [];
      for await (const run of histories.recent(new Date(Date.now() - 3_600_000))) found.push(run);
      expect(found.map(({ workflow_id: id, status }) => `${id} ${status}`)).toEqual([
        `${scheduled} RUNNING`,
        `${workflowId("publish", open)} RUNNING`,
        `${workflowId("publish", completed)} COMPLETED`,
      ]);
      expect(found[2]).toEqual(await histories.find(workflowId("publish", completed)));
      holdAnswers();
      let events = 0;
      for await (const page of histories.pages(found[2]!)) events += page.length;
      expect(events).toBe(found[2]!.length);
    } finally {
      await histories.close();
      await proxy.shut();
    }
  });

  it("takes no call that is refused for a workflow that is gone", async () => {
    const real = createHistories({ address: room.temporal.address, namespace: "default" });
    const named = (run_id: string): Histories => ({
      ...real,
      async *recent() {
        const run = await real.find(workflowId("publish", open));
        yield { ...run!, run_id };
      },
    });
    const replay = await createReplayer();
    const judge = (run_id: string) => gateLive({ histories: named(run_id), replay, since: new Date(), limit: 9 });
    try {
      await expect(judge("no-run")).rejects.toThrow();
      expect(await judge(randomUUID())).toMatchObject({ replayed: 0, gone: 1 });
      expect(await real.find(workflowId("publish", open), "no-run")).toBeNull();
    } finally {
      await real.close();
    }
  });
});

describe("platen gate", { timeout: 120_000 }, () => {
  it("replays the recorded histories, and fails outside a checkout, where there are none", async () => {
    const { code, stdout } = await runPlaten(["gate"]);
    expect(stdout).toMatch(/✓ Replayed \d+ recorded histories: this code breaks none\./);
    expect(code).toBe(0);
    const clone = await copySource();
    try {
      const ran = await promisify(execFile)(process.execPath, [clone.path("src/cli/main.ts"), "gate"]).catch(
        (error: unknown) => error,
      );
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no history in test/histories") });
    } finally {
      await clone.close();
    }
  });
});

describe("the gate's memory", () => {
  const [first] = recordings("publish");
  const { events } = first!.history;
  const run = (id: number, status = "RUNNING"): WorkflowRun => ({
    ...{ workflow_id: `publish-${id}`, run_id: `run-${id}`, status },
    ...{ started_at: "", closed_at: null, length: null },
  });

  it("holds one history at a time, replays each workflow once, and tells of one that is deleted meanwhile", async () => {
    let [fetched, done, most] = [0, 0, 0];
    const histories: Pick<Histories, "recent" | "pages"> = {
      async *recent() {
        for (let id = 1; id <= 30; id++) yield run(id);
        yield run(30, "COMPLETED");
      },
      async *pages({ workflow_id }) {
        if (workflow_id === "publish-7") throw Object.assign(new Error("gone"), { name: "WorkflowNotFoundError" });
        fetched += 1;
        most = Math.max(most, fetched - done);
        // One that is to start later has nothing but this event.
        yield workflow_id === "publish-8" ? events.slice(0, 1) : events;
      },
    };
    const replay = await createReplayer();
    const result = await gateLive({
      ...{ histories: histories as Histories, replay, since: new Date(), limit: 100 },
      onReplayed: () => (done += 1),
    });
    expect(result).toEqual({ replayed: 29, open: 29, broken: 0, gone: 1, cut: false });
    // The one that was not started is told with the next.
    expect(most).toBeLessThanOrEqual(2);
  });
});
