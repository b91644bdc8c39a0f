/** The job's end, cut at every byte. The frames are real, and so is what answers the client that comes back. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPlatenClient } from "../../src/client/client.ts";
import { sendRaw } from "../gateway/gateway-room.ts";
import { createClientRoom, gather, type ClientRoom } from "./client-room.ts";

let room: ClientRoom;
let proxy: Server;

/** Cuts the first answer for each `X-Cut` behind so many bytes; what is asked for a second time it passes on whole. */
function cuttingProxy(port: number): Server {
  const seen = new Set<string>();
  return createServer((client) => {
    const server = connect(port, "127.0.0.1");
    let left = Infinity;
    client.on("error", () => undefined).on("close", () => server.destroy());
    server.on("error", () => undefined).on("end", () => client.end());
    client.once("data", (head: Buffer) => {
      const cut = /^x-cut: (\d+)\r$/im.exec(head.toString())?.[1] ?? "";
      if (!seen.has(cut)) left = Number(cut);
      seen.add(cut);
      server.write(head);
      client.pipe(server);
    });
    server.on("data", (bytes: Buffer) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) client.end();
    });
  });
}

beforeAll(async () => {
  room = await createClientRoom();
  proxy = cuttingProxy(Number(new URL(room.url).port));
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
});
afterAll(async () => {
  proxy?.close();
  await room?.close();
});

it("a stream cut at any byte of its last two frames ends with exactly one final event", async () => {
  const job = await room.job();
  await job.end("cancelled");
  const head = [
    `GET /jobs/${job.id}/stream HTTP/1.1`,
    ...[`Authorization: Bearer ${room.key}`, "Last-Event-ID: 1", "Connection: close"],
  ];
  const raw = Buffer.from(await sendRaw(room.url, head).ended());
  const frames = raw.toString("latin1").lastIndexOf("event: job_update");
  expect(raw.toString("latin1", frames)).toMatch(
    /^event: job_update\n[^]*\nid: 3\nevent: job-cancelled\n[^]*\r\n0\r\n\r\n$/,
  );
  const cuts = Array.from({ length: raw.length - frames }, (_, index) => frames + index);
  expect(cuts.length).toBeGreaterThan(400);

  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const watches = cuts.map(async (cut) => {
    const client = createPlatenClient({
      ...{ url, apiKey: room.key },
      fetch: (input, init) =>
        fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), "x-cut": String(cut) } }),
    });
    const watching = gather(client.watchJob(job.id, { lastEventId: "1", firstFrameMs: 60_000, pollMs: 60_000 }));
    await watching.ended;
    return { cut, ids: watching.ids(), logs: watching.logs(), lost: watching.states().includes("lost") };
  });
  const told = await Promise.all(watches);
  const whole = { ids: [2, 3], logs: ["It is cancelled"] };
  expect(told).toEqual(cuts.map((cut) => ({ cut, ...whole, lost: expect.any(Boolean) })));
  // All but the last few, behind the final frame, had to come back.
  expect(told.filter(({ lost }) => !lost).length).toBeLessThan(20);
}, 120_000);
