import { afterAll, beforeAll, expect, it } from "vitest";
import type { Executions } from "../../src/temporal.ts";
import { sendRaw, startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";
import { createChaosRoom, sourceTile, type ChaosRoom } from "../support/chaos-room.ts";
import { framesOf } from "../support/frames.ts";
import { startOwnPostgres, startOwnTemporal } from "../support/own-servers.ts";
import { ledger, SMALL, until } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";

/** Two seconds of a question, and fifteen between two of them at most. */
const TOLD_MS = 40_000;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
let room: ChaosRoom;
let gateway: GatewayRoom;
/** The gateway's, that Temporal has not answered yet. */
const questions = new Set<Promise<unknown>>();

beforeAll(async () => {
  [postgres, temporal] = await Promise.all([startOwnPostgres(), startOwnTemporal()]);
  room = await createChaosRoom({ database: postgres, temporal });
  const deps = { ...room.deps, executions: noted(room.executions) };
  gateway = await startGatewayRoom({ room: { ...room, deps }, executions: "real", silentMs: 300 });
});
afterAll(async () => {
  await gateway?.close();
  // Temporal's client tries again what fails by the end of its connection, and throws where nobody can catch.
  while (questions.size > 0) await Promise.allSettled(questions);
  await room?.close();
});

function noted(executions: Executions): Executions {
  const note = async <T>(question: Promise<T>): Promise<T> => {
    questions.add(question);
    try {
      return await question;
    } finally {
      questions.delete(question);
    }
  };
  return {
    ...executions,
    queryProgress: (id) => note(executions.queryProgress(id)),
    describe: (id) => note(executions.describe(id)),
  };
}

const notices = (stream: RawAnswer): string[] => framesOf(stream.text()).flatMap(({ data }) => data.notice?.code ?? []);

it(
  "with all workers stopped, Temporal stopped, PostgreSQL stopped, one after the other, a stream stays open, says what is known, and catches up",
  { timeout: 240_000 },
  async () => {
    const worker = await room.worker({ entry: HELD_WORKER });
    const draft = await room.draft({ descriptor: SMALL });
    const held = await holdBack(await sourceTile(room, draft, 0));
    const job = await room.publish(draft);
    const head = [`GET /jobs/${job}/stream HTTP/1.1`, `Authorization: Bearer ${gateway.keys.viewer}`];
    const stream = sendRaw(gateway.url, head);
    const told = (code: string): Promise<boolean> =>
      until(`the notice ${code}`, async () => notices(stream).includes(code), TOLD_MS);
    /** The newest state has no notice. */
    const spokenAgain = (): Promise<boolean> =>
      until(
        "the stream to know all again",
        async () => framesOf(stream.text()).findLast(({ event }) => event === "job_update")?.data.notice === undefined,
        TOLD_MS,
      );
    await until("the upload", async () => stream.text().includes('"step":"upload"'));

    await worker.kill();
    await told("workers_silent");
    await room.worker({ entry: HELD_WORKER });
    await spokenAgain();

    await temporal.crash();
    await told("temporal_away");
    await temporal.restart();
    await spokenAgain();

    await postgres.crash();
    await told("database_away");
    const { body } = await gateway.call("GET", "/readyz");
    expect(body).toMatchObject({ status: "unready", missing: expect.arrayContaining(["postgresql", "notifications"]) });
    await postgres.restart();
    await spokenAgain();

    await held.restore();
    await until("the end", async () => stream.text().endsWith("0\r\n\r\n"), 90_000);
    const frames = framesOf(stream.text());
    expect(frames.at(-1)).toMatchObject({ event: "job-complete", data: { status: "completed" } });
    // From the snapshot on without a gap.
    const ids = frames.flatMap(({ id }) => (id ? [Number(id)] : []));
    const all = (await ledger(room, job)).map(({ seq }) => seq);
    expect(ids).toEqual(all.slice(-ids.length));
    expect(frames.filter(({ event }) => event !== "job_update" && event !== "ping")).toHaveLength(1);
    const percents = frames.flatMap(({ data }) => data.progress ?? []);
    expect(percents).toEqual(percents.toSorted((one, other) => one - other));
  },
);
