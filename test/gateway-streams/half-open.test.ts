/** Watchers whose machine vanishes without a word: their connections look as alive as any others that are silent. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { debianProgram } from "../support/debian-program.ts";
import { createNetNamespace, type NetNamespace } from "../support/net-namespace.ts";
import { until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { heldConnections } from "../support/sockets.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { runningJob, writeLogs } from "./stream-room.ts";

const MAX_AGE_SECONDS = 3;
/** What a gateway waits for the client to end its side, at most. */
const LINGER_SECONDS = 5;

let network: NetNamespace | null = null;
let room: GatewayRoom;
beforeAll(async () => {
  const ip = debianProgram("ip");
  network = ip === null ? null : createNetNamespace(ip);
  if (!network) return;
  const settings = { PLATEN_GATEWAY_HOST: network.address, PLATEN_STREAM_MAX_SECONDS: String(MAX_AGE_SECONDS) };
  room = await startGatewayRoom({ executions: scriptedExecutions(), settings });
});
afterAll(async () => {
  await room?.close();
  await network?.close();
});

it("a half-open stream is given up at its maximum age, and its socket five seconds later at most", async (context) => {
  if (!network) return context.skip("network namespaces are not allowed here");
  const { hostname, port } = new URL(room.url);
  const [silent, talkative] = [await runningJob(room), await runningJob(room)];
  const begun = performance.now();
  for (const { id } of [silent, talkative]) {
    const client = network.spawn(process.execPath, ["--eval", CLIENT, hostname, port, id, room.keys.viewer]);
    await new Promise<void>((resolve, reject) => {
      client.stdout!.on("data", (part: Buffer) => part.includes("snapshot") && resolve());
      client.once("exit", () => reject(new Error("the client has ended")));
    });
  }
  network.cut();
  // Nobody acknowledges these bytes: the kernel sends them again and again.
  await writeLogs(room, talkative.id, ["One", "Two"]);
  expect([room.watching().watchers, heldConnections(Number(port))]).toEqual([2, 2]);

  const seconds = (): number => (performance.now() - begun) / 1_000;
  await until("nobody to watch", async () => room.watching().watchers === 0);
  const released = seconds();
  expect(released).toBeLessThan(MAX_AGE_SECONDS + 1);
  await until("no socket", async () => heldConnections(Number(port)) === 0);
  expect(seconds() - released).toBeLessThan(LINGER_SECONDS + 1);
});

/** Says on its output whatever it gets. */
const CLIENT = `
  const [host, port, id, key] = process.argv.slice(1);
  const socket = require("node:net").connect(Number(port), host);
  socket.write("GET /jobs/" + id + "/stream HTTP/1.1\\r\\nHost: platen\\r\\nAuthorization: Bearer " + key + "\\r\\n\\r\\n");
  socket.pipe(process.stdout);
`;
