/** Behind Debian's nginx, which buffers responses unless it is told not to. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import getPort from "get-port";
import { framesOf } from "../support/frames.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { debianProgram } from "../support/debian-program.ts";
import { startNginx, type Nginx, type Upstream } from "../support/nginx.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/publishing.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { endJob, idsOf, range, runningJob, watch, writeLogs } from "./stream-room.ts";
import { createWatcher } from "./watcher.ts";

const program = debianProgram("nginx");
/** Nothing but the tests changes their jobs. */
const SETTINGS = { PLATEN_RECONCILE_MS: "0" };

describe.runIf(program)("behind nginx with its buffering on", () => {
  let room: GatewayRoom;
  let nginx: Nginx;
  beforeAll(async () => {
    room = await startGatewayRoom({ executions: scriptedExecutions() });
    nginx = await startNginx(program!, room.url);
  });
  afterAll(async () => {
    await nginx?.close();
    await room?.close();
  });

  const through = (upstream: Upstream, path: string, headers: string[] = []) =>
    watch({ url: nginx.urls[upstream], keys: room.keys }, path, headers);

  describe.each(["HTTP/1.0", "HTTP/1.1"] as const)("that speaks %s to the gateway", (upstream) => {
    it("each frame arrives as it is written, uncompressed, and so does the end", async () => {
      const { id } = await runningJob(room);
      const stream = through(upstream, `/jobs/${id}/stream`, ["Accept-Encoding: gzip, deflate, br"]);
      await stream.holds('"snapshot":true');
      // Each is written only after the one before has come through, so nothing can have waited for company.
      for (const text of ["One", "Two", "Three"]) {
        await writeLogs(room, id, [text]);
        await stream.holds(`"message":"${text}"`);
      }
      await endJob(room, id);
      const raw = await stream.ended();
      expect(raw).not.toMatch(/^content-encoding:/im);
      expect(idsOf(framesOf(raw))).toEqual(range(4, 8));
      expect(framesOf(raw).at(-1)?.event).toBe("job-complete");
    });

    it("a client that comes back gets what it missed", async () => {
      const { id } = await runningJob(room);
      await writeLogs(room, id, ["One", "Two"]);
      const stream = through(upstream, `/jobs/${id}/stream`, ["Last-Event-ID: 2"]);
      await stream.holds('"message":"Two"');
      await endJob(room, id);
      expect(idsOf(framesOf(await stream.ended()))).toEqual(range(3, 7));
    });

    it("a client that has gone is gone for the gateway, too", async () => {
      const { id } = await runningJob(room);
      const stream = through(upstream, `/jobs/${id}/stream`);
      await stream.holds('"snapshot":true');
      expect(room.watching().watchers).toBeGreaterThan(0);
      stream.socket.destroy();
      await until("nobody to watch", async () => room.watching().watchers === 0, 2_000);
    });
  });

  it("an EventSource comes back with its cursor to a gateway that was killed and started again", async () => {
    const port = await getPort();
    const { id } = await runningJob(room);
    const first = await startGatewayProcess(room, { port, settings: SETTINGS });
    const front = await startNginx(program!, first.url);
    const watchers = Object.values(front.urls).map((url) =>
      createWatcher(`${url}/jobs/${id}/stream`, room.keys.viewer),
    );
    try {
      await until("all to be greeted", async () => watchers.every((watcher) => watcher.frames() > 0));
      await writeLogs(room, id, ["Before"]);
      await until("an event each", async () => watchers.every(({ seen }) => seen.length === 1));
      await first.end("SIGKILL");
      await writeLogs(room, id, ["Meanwhile"]);
      // Answered by nginx itself: nothing listens behind it.
      await until("all to have come in vain", async () => watchers.every(({ statuses }) => statuses.length > 1));
      const second = await startGatewayProcess(room, { port, settings: SETTINGS });
      await until("what they missed", async () => watchers.every(({ seen }) => seen.includes(5)));
      await endJob(room, id);
      await Promise.all(watchers.map(({ completed }) => completed));
      expect(watchers.map(({ seen }) => seen)).toEqual([range(4, 7), range(4, 7)]);
      expect(new Set(watchers.flatMap(({ statuses }) => statuses))).toEqual(new Set([200]));
      await second.end("SIGKILL");
    } finally {
      for (const watcher of watchers) watcher.close();
      await front.close();
    }
  });
});
