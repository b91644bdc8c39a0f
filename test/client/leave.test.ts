/** A process that only watches ends by itself as soon as it has left the watch: no socket and no timer keeps it alive. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../rules/source-files.ts";
import { createClientRoom, type ClientRoom } from "./client-room.ts";

let room: ClientRoom;
beforeAll(async () => {
  room = await createClientRoom();
});
afterAll(() => room?.close());

const HEAD = `
  import { createPlatenClient } from "platen/client";
  const [url, apiKey, id] = process.argv.slice(1);
  const client = createPlatenClient({ url, apiKey });
  const stop = new AbortController();
  const events = client.watchJob(id, { signal: stop.signal });
  let left;
  process.on("exit", () => console.log(Math.round(performance.now() - left)));`;

const WAYS: Record<string, string> = {
  "breaks out of the loop": `for await (const event of events) if (event.type === "update") break; left = performance.now();`,
  "throws inside the loop": `try { for await (const event of events) if (event.type === "update") throw 1; } catch { left = performance.now(); }`,
  aborts: `for await (const event of events) if (event.type === "update") { left = performance.now(); stop.abort(); }`,
  "aborts while it waits for the next event": `for await (const event of events)
    if (event.type === "update") setTimeout(() => { left = performance.now(); stop.abort(); }, 100);`,
};

it.each(Object.keys(WAYS))("one that %s", async (way) => {
  const { id } = await room.job();
  const args = ["--input-type=module", "-e", `${HEAD}\n${WAYS[way]}`, "--", room.url, room.key, id];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"], timeout: 20_000 });
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code).toBe(0);
  // undici closes a connection at once that is aborted; a timer of the watch would be 10 s.
  expect(Number(stdout)).toBeLessThan(1_000);
});
