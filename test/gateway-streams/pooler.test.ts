/**
 * Behind pgbouncer in transaction mode, which takes LISTEN without an error and then delivers nothing. Its versions before 1.21
 * (Debian 12 has 1.18) lose prepared statements: of those only LISTEN goes through it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type Database } from "../../src/db.ts";
import { debianProgram } from "../support/debian-program.ts";
import { framesOf } from "../support/frames.ts";
import { preparesStatements, startPooler, type Pooler } from "../support/pgbouncer.ts";
import { createPublishing, until, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { endJob, idsOf, range, runningJob, watch, writeLogs } from "./stream-room.ts";

const program = debianProgram("pgbouncer");

interface Readiness {
  status: string;
  missing: string[];
  checks: Record<string, { ok: boolean; reason?: string }>;
}

describe.runIf(program)("behind pgbouncer in transaction mode", () => {
  let pooler: Pooler;
  let pooled: Database;
  let room: Publishing;
  let gateway: GatewayRoom | undefined;
  beforeAll(async () => {
    room = await createPublishing({ executions: scriptedExecutions() });
    pooler = await startPooler(program!, room.databaseUrl);
    pooled = await createDatabase({ url: preparesStatements(program!) ? pooler.url : room.databaseUrl });
  });
  afterEach(() => gateway?.close());
  afterAll(async () => {
    await pooled?.close();
    await pooler?.close();
    await room?.close();
  });

  async function start(settings: Record<string, string> = {}): Promise<GatewayRoom> {
    gateway = await startGatewayRoom({
      room: { ...room, deps: { ...room.deps, database: pooled } },
      executions: room.executions,
      settings: { PLATEN_DATABASE_URL: pooler.url, ...settings },
    });
    return gateway;
  }

  /** As soon as `/readyz` answers that status. */
  async function readiness({ call }: GatewayRoom, status: string): Promise<{ http: number; body: Readiness }> {
    return until(`a gateway that is ${status}`, async () => {
      const { status: http, body } = await call("GET", "/readyz", { key: "" });
      return (body as Readiness).status === status && { http, body: body as Readiness };
    });
  }

  /** Opens five streams, writes one event after the other as soon as the one before has arrived; answers their median lag in ms. */
  async function watchToTheEnd(through: GatewayRoom): Promise<number> {
    const { id } = await runningJob(room);
    const streams = Array.from({ length: 5 }, () => watch(through, `/jobs/${id}/stream`));
    await Promise.all(streams.map((stream) => stream.holds('"snapshot":true')));
    const lags: number[] = [];
    for (let n = 1; n <= 5; n++) {
      const written = performance.now();
      await writeLogs(room, id, [`Entry ${n}`, `And ${n}`]);
      await Promise.all(streams.map((stream) => stream.holds(`"And ${n}"`)));
      lags.push(performance.now() - written);
    }
    await endJob(room, id);
    for (const stream of streams) expect(idsOf(framesOf(await stream.ended()))).toEqual(range(4, 15));
    return lags.toSorted((one, other) => one - other)[2]!;
  }

  it("a gateway says that it hears no notifications, and why", async () => {
    const { http, body } = await readiness(await start(), "degraded");
    expect([http, body.missing]).toEqual([200, ["notifications"]]);
    expect(body.checks["notifications"]).toEqual({ ok: false, reason: expect.stringMatching(/transaction[ -]mode/) });
  });

  it("its streams tell every event all the same, within about a second", async () => {
    const deaf = await start();
    await readiness(deaf, "degraded");
    // It looks every 500 ms. The sweep alone takes 2 s, each time: what is written comes just after the one before.
    expect(await watchToTheEnd(deaf)).toBeLessThan(1_500);
  });

  it("one that listens straight to PostgreSQL is ready, and tells events as they happen", async () => {
    const hearing = await start({ PLATEN_LISTEN_URL: room.databaseUrl });
    const { body } = await readiness(hearing, "ready");
    expect(body).toMatchObject({ missing: [], checks: { notifications: { ok: true } } });
    expect(await watchToTheEnd(hearing)).toBeLessThan(300);
  });
});
