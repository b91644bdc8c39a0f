/** Bodies that are on their way at once have one limit together: memory does not grow with the number of senders. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { sendRaw, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let path: string;
beforeAll(async () => {
  room = await startGatewayRoom({ settings: { PLATEN_MAX_HELD_BYTES: "1048576", PLATEN_BODY_SECONDS: "1" } });
  await room.call("POST", "/projects", { body: { slug: "held", name: "Held" } });
  await room.call("POST", "/projects/held/versions", { body: {} });
  path = "/projects/held/versions/1";
});
afterAll(() => room?.close());

const BYTES = 1_000_000;
const config = JSON.stringify({ text: "x".repeat(100_000) });
const overlays = `{"type":"FeatureCollection","features":[]}`;

test("a body waits for those that are on their way, those that are small do not, and none waits for long", async () => {
  const authorized = `Authorization: Bearer ${room.keys.admin}`;
  const head = [`PUT ${path}/overlays HTTP/1.1`, "Content-Type: application/json", authorized];
  const holder = sendRaw(room.url, [...head, `Content-Length: ${BYTES}`, "Expect: 100-continue"]);
  await holder.holds("100 Continue");
  // Fast enough to be let go on.
  let sent = 0;
  const send = (text: string): void => {
    sent += text.length;
    holder.socket.write(text);
  };
  const drip = setInterval(() => send(" ".repeat(10_000)), 100);
  try {
    expect(await room.call("PUT", `${path}/config`, { body: { small: true } })).toMatchObject({ status: 200 });
    const refused = await room.call("PUT", `${path}/config`, { body: config });
    expect(refused).toMatchObject({ status: 503, body: { code: "too_many_bodies" } });
    expect(refused.headers.get("Retry-After")).toBe("2");
  } finally {
    clearInterval(drip);
  }
  const waiting = room.call("PUT", `${path}/config`, { body: config });
  send(overlays);
  send(" ".repeat(BYTES - sent));
  await holder.holds("HTTP/1.1 200 ");
  expect(await waiting).toMatchObject({ status: 200 });
});
