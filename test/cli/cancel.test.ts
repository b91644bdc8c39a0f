/** What the command line tells of a job that does not go straight on. The test plays the worker's part; nobody reconciles. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transaction } from "../../src/db.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { noteCancelStage } from "../../src/jobs/protocol/cancel-stages.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { published } from "../../src/jobs/protocol/project.ts";
import { noteTrouble } from "../../src/jobs/protocol/ledger-writes.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { attemptOf } from "../support/protocol-room.ts";
import { createDraft, queueJob, type Draft } from "../support/publishing.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

let room: CliRoom;

beforeAll(async () => {
  room = await createCliRoom({ PLATEN_RECONCILE_MS: 0 });
});
afterAll(() => room?.close());

/** Of no run that Temporal has. */
const RUN = "01a20000-0000-7000-8000-000000000000";
const CANCELLED = { status: "cancelled" as const, code: "cancelled", message: "The job was cancelled." };
const RESULT = {
  ...{ release_id: "rel_1", release_url: "/dev/town/release.json", overlay_count: 2, tile_count: 3 },
  ...{ digest: "d".repeat(64), published_at: "2026-01-01T00:00:00.000Z" },
};

async function enter(job: string, attempt: number): Promise<Grip> {
  const who = attemptOf(job, RUN, attempt, { number: attempt });
  const entered = await enterStep(room.deps, who, { step: "upload", message: "Uploading" });
  if (entered.kind !== "entered") throw new Error(entered.kind);
  return entered.grip;
}

async function running(): Promise<{ job: string; grip: Grip; draft: Draft }> {
  const draft = await createDraft(room);
  const job = await queueJob(room, draft);
  return { draft, job, grip: await enter(job, 1) };
}

/** Runs `platen`, and does the next thing each time when a line that holds its text has come. */
async function during(args: string[], steps: [line: string, then: () => Promise<unknown>][]) {
  const left = [...steps];
  let failed: unknown;
  const ran = await room.platen(args, {
    onLine(line) {
      const [next] = left;
      if (!next || !line.includes(next[0])) return;
      left.shift();
      next[1]().catch((error: unknown) => (failed = error));
    },
  });
  expect(failed).toBeUndefined();
  expect(
    left.map(([line]) => line),
    ran.stdout,
  ).toEqual([]);
  return {
    ...ran,
    lines: ran.stdout
      .trimEnd()
      .replaceAll(/\d\d:\d\d:\d\d UTC/g, "(time)")
      .split("\n"),
  };
}

describe("cancel", () => {
  it("of a queued job says that it had not begun, and says the same again", async () => {
    const job = await queueJob(room, await createDraft(room));
    const first = await room.platen(["cancel", job, "--reason", "wrong\u001b[2J map"]);
    expect(first.stdout).toMatch(
      /^Cancelled by Ada at \d\d:\d\d:\d\d UTC, before it had begun: wrong\\u001b\[2J map\nThe job is cancelled\.\n$/,
    );
    const again = await room.platen(["cancel", job, "--reason", "another"]);
    expect([first.code, again.code, again.stdout]).toEqual([0, 0, first.stdout]);
    expect((await room.platen(["cancel", job, "--json"])).json()).toMatchObject([
      { status: "cancelled", cancellation: { stage: "compensated", requested_by: "Ada" } },
    ]);
  });

  it("of a running job says until when it may take", async () => {
    const { job } = await running();
    const { code, lines } = await during(["cancel", job], []);
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [
        "Cancel requested by Ada at (time)",
        "It stops within seconds, unless it goes live first. What has not stopped by (time) is terminated. " +
          `\`platen watch ${job}\` tells.`,
      ],
    });
  });

  it("--watch tells each stage as it comes, once, and ends with exit code 0 when the job is cancelled", async () => {
    const { job, grip } = await running();
    const { code, lines } = await during(
      ["cancel", job, "--reason", "wrong map", "--watch"],
      [
        ["Cancel requested", () => noteCancelStage(room.deps, grip, "acknowledged")],
        ["Seen at", () => noteCancelStage(room.deps, grip, "stopped")],
        ["Stopped at", () => settleJob(room.deps, grip, CANCELLED)],
      ],
    );
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [
        "Cancel requested by Ada at (time): wrong map",
        "   30 %  Uploading",
        "Seen at (time): what runs is being stopped",
        "Stopped at (time): nothing works on the job any more",
        "✗ Upload release and tiles",
        "Over at (time): nothing was published, and the next publish may come",
        "■ cancelled: The job was cancelled.",
      ],
    });
  });

  it("--watch ends with exit code 1 when the job went live first", async () => {
    const { job, grip } = await running();
    const { code, stdout } = await during(
      ["cancel", job, "--watch"],
      [["Cancel requested", () => finishJob(room.deps, grip, published(RESULT, "dev"))]],
    );
    expect(stdout).toContain("✓ completed: 2 overlays");
    expect(code).toBe(1);
  });

  it("after the switch is refused, and says why", async () => {
    const { job } = await running();
    await transaction(room.database, (tx) => writeJob(tx, job, { switched_at: "now", epoch: 1 }, []));
    const { code, stderr } = await room.platen(["cancel", job]);
    expect(stderr).toMatch(
      /^✗ Job \S+ has switched dev to its release, which is the point of no return\.\nPublish the version/,
    );
    expect(code).toBe(1);
  });
});

describe("watch", () => {
  it("tells attempts that failed with the time of the next, what to look at, and a cancel that somebody else asks for", async () => {
    const { job, grip } = await running();
    const full = { code: "store_full" as const, step: "upload", pause_ms: 60_000, message: "The store is full." };
    const attention = { code: "stalled" as const, message: "No progress for 120 s.", since: new Date().toISOString() };
    let second = grip;
    const look = async (): Promise<void> => {
      await writeJob(room.database.em.fork(), job, { attention }, []);
      room.deps.notifier.touch(job);
    };
    const again = async (): Promise<void> => {
      second = await enter(job, 2);
      await noteTrouble(room.deps, second, { ...full, message: "The store is fuller." });
    };
    const { code, lines } = await during(
      ["watch", job],
      [
        ["  30 %  Uploading", () => noteTrouble(room.deps, grip, full)],
        ["The store is full. (attempt 1", again],
        ["The store is fuller. (attempt 2", look],
        ["! stalled", () => cancelJob(room.deps, { job_id: job, by: room.principal, reason: "wrong map" })],
        ["Cancel requested", () => settleJob(room.deps, second, CANCELLED)],
      ],
    );
    expect({ code, lines }).toEqual({
      code: 4,
      lines: [
        "   30 %  Uploading",
        "The store is full. (attempt 1, next try at (time))",
        "The store is fuller. (attempt 2, next try at (time))",
        "! stalled: No progress for 120 s.",
        "Cancel requested by Ada at (time): wrong map",
        "✗ Upload release and tiles",
        "Over at (time): nothing was published, and the next publish may come",
        "■ cancelled: The job was cancelled.",
      ],
    });
  });
});

it("jobs marks those that an operator should look at", async () => {
  const { job, draft } = await running();
  const attention = { code: "no_worker" as const, message: "Nobody polls.", since: new Date().toISOString() };
  await writeJob(room.database.em.fork(), job, { attention }, []);
  const { stdout } = await room.platen(["jobs", "--project", draft.project]);
  expect(stdout).toMatch(new RegExp(`${draft.project} v1 → dev {2}! no_worker\n$`));
});
