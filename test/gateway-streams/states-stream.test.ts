import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query, transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeProgress } from "../../src/jobs/progress-store.ts";
import { writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { framesOf, type SeenFrame } from "../support/frames.ts";
import { createDraft, queueJob, until, type Draft } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { firstAttempt, sendRaw, startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

function watch(search: string, cursor?: string, key = room.keys.viewer): RawAnswer {
  const headers = cursor === undefined ? [] : [`Last-Event-ID: ${cursor}`];
  return sendRaw(room.url, [`GET /jobs/stream${search} HTTP/1.1`, `Authorization: Bearer ${key}`, ...headers]);
}

const enter = async (id: string, step: string): Promise<Grip> => {
  const outcome = await enterStep(room.deps, firstAttempt(id), { step, message: `Begins ${step}` });
  if (outcome.kind !== "entered") throw new Error(outcome.kind);
  return outcome.grip;
};

async function end(id: string, status: "completed" | "failed"): Promise<void> {
  await transaction(room.database, async (tx) => {
    const row = await lockJob(tx, id);
    await writeEnding(tx, row!, {
      status,
      message: `It is ${status}`,
      ...(status === "failed" ? { code: "internal" } : {}),
    });
  });
  room.deps.notifier.touch(id);
}

/** Two jobs of one project that are open, and one of it that has ended. */
async function threeJobs(): Promise<{ draft: Draft; open: string[]; over: string }> {
  const draft = await createDraft(room);
  const over = await queueJob(room, draft, "dev");
  await end(over, "failed");
  return { draft, over, open: [await queueJob(room, draft, "staging"), await queueJob(room, draft, "production")] };
}

const told = (frames: SeenFrame[]): [string, string | undefined][] =>
  frames.map(({ event, data }) => [event, data.id ? data.status : data.changed]);
const lastCursor = (raw: string): string => framesOf(raw).findLast(({ id }) => id)?.id ?? "";

describe("a stream of many jobs", () => {
  it("begins with every open job that matches, and then tells each that changes, each batch closed by a watermark", async () => {
    const { draft, open } = await threeJobs();
    await threeJobs();
    const stream = watch(`?project=${draft.project}`);
    await stream.holds("event: synced");
    const first = framesOf(stream.text());
    expect(first.map(({ data }) => data.id)).toEqual([...open.toSorted(), undefined]);
    expect(first[0]).toMatchObject({
      event: "job_update",
      data: { status: "queued", project: draft.project, version: 1, job_type: "publish" },
    });
    expect(first.slice(0, -1).every(({ id }) => id === undefined)).toBe(true);
    expect(first.at(-1)).toMatchObject({ event: "synced", id: expect.stringMatching(/^\d+$/), data: { changed: 2 } });

    await enter(open[0]!, "validate");
    await stream.holds("Begins validate");
    await end(open[0]!, "completed");
    await stream.holds("event: job-complete");
    expect(framesOf(stream.text()).find(({ event }) => event === "job-complete")?.data).toMatchObject({
      ...{ id: open[0], status: "completed", progress: 100, error: null, environment: "staging" },
    });
    stream.socket.destroy();
  });

  it("is joined by jobs that start later, also when no notification tells of them", async () => {
    const draft = await createDraft(room);
    const stream = watch(`?project=${draft.project}`);
    await stream.holds("event: synced");
    const id = await queueJob(room, draft);
    await stream.holds(`"id":"${id}"`);
    stream.socket.destroy();
  });

  it("of named jobs tells those, ended or not, and no others", async () => {
    const { open, over } = await threeJobs();
    const stream = watch(`?ids=${open[0]},job_${over.replaceAll("-", "")}`);
    await stream.holds("event: synced");
    const first = told(framesOf(stream.text()));
    expect(first).toHaveLength(3);
    expect(first).toEqual(
      expect.arrayContaining([
        ["job-failed", "failed"],
        ["job_update", "queued"],
        ["synced", 2],
      ]),
    );
    await enter(open[1]!, "validate");
    await enter(open[0]!, "validate");
    await stream.holds("Begins validate");
    expect(stream.text()).not.toContain(open[1]!);
    stream.socket.destroy();
  });

  it("goes on from its watermark with every job that changed since, and with no other", async () => {
    const { draft, open } = await threeJobs();
    const path = `?project=${draft.project}&type=publish`;
    const stream = watch(path);
    await stream.holds("event: synced");
    const cursor = lastCursor(stream.text());
    stream.socket.destroy();
    await end(open[1]!, "failed");
    const again = watch(path, cursor);
    await again.holds("event: synced");
    expect(told(framesOf(again.text()))).toEqual([
      ["job-failed", "failed"],
      ["synced", 1],
    ]);
    again.socket.destroy();
  });

  it("loses nothing of a transaction that began before the watermark and is committed after it", async () => {
    const { draft, open } = await threeJobs();
    let cursor = "";
    await transaction(room.database, async (tx) => {
      await query(tx, "update jobs set message = 'late' where id = $1", [open[0]]);
      const other = watch(`?project=${draft.project}`);
      await other.holds("event: synced");
      await end(open[1]!, "failed");
      await other.holds("job-failed");
      cursor = lastCursor(other.text());
      other.socket.destroy();
    });
    const stream = watch(`?project=${draft.project}`, cursor);
    await stream.holds("event: synced");
    expect(stream.text()).toContain('"message":"late"');
    stream.socket.destroy();
  });

  it.each(["0", "-1", "x", "99999999999999999", "999999999999999999999999"])(
    "with the watermark %s begins anew, and says so",
    async (cursor) => {
      const { draft } = await threeJobs();
      const stream = watch(`?project=${draft.project}`, cursor);
      await stream.holds("event: synced");
      expect(framesOf(stream.text()).at(-1)).toMatchObject({ event: "synced", data: { changed: 2, reset: true } });
      stream.socket.destroy();
    },
  );

  it("shows nothing of another tenant, and refuses what does not exist", async () => {
    const { draft, open } = await threeJobs();
    const foreign = watch("", undefined, room.keys.foreign);
    await foreign.holds("event: synced");
    expect(framesOf(foreign.text())).toHaveLength(1);
    await enter(open[0]!, "validate");
    for (const [search, code] of [
      [`?ids=${open[0]}`, "job_not_found"],
      [`?project=${draft.project}`, "project_not_found"],
    ]) {
      const { status, body } = await room.call("GET", `/jobs/stream${search}`, { key: room.keys.foreign });
      expect([status, body.code]).toEqual([404, code]);
    }
    for (const [search, code] of [
      ["?ids=", "job_not_found"],
      ["?ids=a,b", "job_not_found"],
      ["?type=nonsense", "job_type_unknown"],
      ["?nonsense=1", "invalid_request"],
    ]) {
      expect((await room.call("GET", `/jobs/stream${search}`)).body.code).toBe(code);
    }
    expect(framesOf(foreign.text())).toHaveLength(1);
    foreign.socket.destroy();
  });

  it("carries a thousand jobs, each to its newest state", async () => {
    const draft = await createDraft(room);
    const db = room.database.em.fork();
    await query(
      db,
      `insert into jobs (id, tenant_id, job_type, payload, project_id, version_id, environment, workflow_id, status, attempt_at)
       select gen_random_uuid(), $1, 'publish', '{}', $2, $3, 'dev', 'publish-' || gen_random_uuid(), 'running', 1 from generate_series(1, 1000)`,
      [draft.tenant_id, draft.project_id, draft.version_id],
    );
    const jobs = await query<{ id: string }>(db, "select id from jobs where project_id = $1", [draft.project_id]);
    const stream = watch(`?project=${draft.project}`);
    await stream.holds('"changed":1000');
    for (let report = 1; report <= 5; report += 1) {
      await writeProgress(
        db,
        jobs.map(({ id }) => reported(id, report, "a tile")),
      );
      for (const { id } of jobs) room.deps.notifier.touch(id);
    }
    const newest = new Map<string, number>();
    const allSeen = (): boolean => {
      for (const { data } of framesOf(stream.text())) if (data.id) newest.set(data.id, data.progress);
      return jobs.every(({ id }) => newest.get(id) === 5);
    };
    await expect.poll(allSeen, { timeout: 20_000 }).toBe(true);
    stream.socket.destroy();
  });

  it("gives a client that reads slowly fewer states, and the newest in the end", async () => {
    const draft = await createDraft(room);
    const id = await queueJob(room, draft);
    const { attempt_at } = await enter(id, "validate");
    const slow = watch(`?ids=${id}`);
    await slow.holds("event: synced");
    slow.socket.pause();
    const quick = new EventSource(`${room.url}/jobs/stream?ids=${id}`, {
      fetch: (url, init) =>
        fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${room.keys.viewer}` } }),
    });
    let progress = -1;
    quick.addEventListener("job_update", ({ data }) => (progress = JSON.parse(data).progress));
    await until("the quick one", async () => progress >= 0);
    const long = "x".repeat(600_000);
    for (let report = 1; report <= 40; report += 1) {
      const row = { ...reported(id, report, `${long} ${report}.`), attempt_at };
      await writeProgress(room.database.em.fork(), [row]);
      room.deps.notifier.touch(id);
      await until("the quick one", async () => progress === report);
    }
    quick.close();
    slow.socket.resume();
    await slow.holds(`${long} 40.`);
    await until("the end of the batch", async () => slow.text().endsWith("\n\n\r\n"));
    expect(framesOf(slow.text()).filter(({ event }) => event === "job_update").length).toBeLessThan(30);
    slow.socket.destroy();
  });
});

const reported = (job_id: string, report: number, message: string) => ({
  ...{ job_id, generation: 1, attempt_at: 1, report, progress: report, message },
});
