/** undici's EventSource, which is the one inside Node (`--experimental-eventsource`), against a real gateway. */
import { Agent, EventSource } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../support/publishing.ts";
import { startStreamProxy, type StreamProxy } from "../support/stream-proxy.ts";
import { createClientRoom, type ClientRoom } from "../client/client-room.ts";

let room: ClientRoom;
let proxy: StreamProxy;
beforeAll(async () => {
  room = await createClientRoom();
  proxy = await startStreamProxy(() => room.url);
});
afterAll(async () => {
  proxy?.close();
  await room?.close();
});

it("it follows a job to its end, comes back with its cursor when it is cut off, and stays away after 204", async () => {
  const job = await room.job();
  await job.enter("upload");
  // An EventSource takes no headers: the key is put on by what it sends its requests through.
  const withKey = new Agent().compose((dispatch) => (options, handler) => {
    const headers = { ...(options.headers as Record<string, string>), authorization: `Bearer ${room.key}` };
    return dispatch({ ...options, headers }, handler);
  });
  const source = new EventSource(`${proxy.url}/jobs/${job.id}/stream`, { node: { dispatcher: withKey } });
  const seen: { id: string; messages: string[] }[] = [];
  source.addEventListener("job_update", (event) => {
    const { lastEventId, data } = event as MessageEvent;
    const { logs } = JSON.parse(data as string) as { logs: { message: string }[] };
    seen.push({ id: lastEventId, messages: logs.map(({ message }) => message) });
  });
  const finals: MessageEvent[] = [];
  source.addEventListener("job-complete", (event) => finals.push(event as MessageEvent));

  await until("the snapshot", async () => seen.length > 0);
  await job.log("One");
  await until("One", async () => seen.length > 1);
  proxy.cut();
  await job.log("Two");
  await until("Two", async () => seen.some(({ messages }) => messages.includes("Two")));
  await job.end("completed");
  await until("the end", async () => source.readyState === EventSource.CLOSED);

  expect(seen.flatMap(({ messages }) => messages)).toEqual(["Begins upload", "One", "Two", "It is completed"]);
  expect(seen.filter(({ messages }) => messages.length > 0).map(({ id }) => id)).toEqual(["", "4", "5", "6"]);
  expect(finals.map(({ lastEventId, data }) => [lastEventId, JSON.parse(data as string).status])).toEqual([
    ["7", "completed"],
  ]);
  expect(proxy.cursors()).toEqual([null, "4", "7"]);
  expect(proxy.statuses()).toEqual([200, 200, 204]);
  source.close();
  await withKey.close();
});
