import { afterAll, beforeAll, expect, it } from "vitest";
import { createDraft, until } from "../support/publishing.ts";
import { startStreamProxy } from "../support/stream-proxy.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

let room: CliRoom;

// Nobody works here: jobs stay queued until they are cancelled. Where that takes seconds, the stream says that no worker answers.
beforeAll(async () => {
  room = await createCliRoom();
});
afterAll(() => room?.close());

async function queued(): Promise<string> {
  const { project } = await createDraft(room);
  const { code, json } = await room.platen(["publish", project, "--env", "dev", "--json"]);
  expect(code).toBe(0);
  return json()[0]?.["job_id"] as string;
}

it("watch ends with exit code 4 when the job was cancelled, also when it begins after that", async () => {
  const job = await queued();
  const cancelled = await room.platen(["cancel", job, "--reason", "a test"]);
  expect(cancelled.code).toBe(0);
  const { code, stdout } = await room.platen(["watch", job]);
  expect(stdout).toContain("■ cancelled");
  expect(code).toBe(4);
});

it("watch survives a gateway that is started anew with one line, and then goes on to the end", async () => {
  const job = await queued();
  const lost = Promise.withResolvers<void>();
  const proxy = await startStreamProxy(() => room.url);
  const watching = room.platen(["watch", job], {
    env: { PLATEN_SERVER: proxy.url },
    onLine: (line) => line.endsWith("joining again …") && lost.resolve(),
  });
  await until("the stream", async () => proxy.statuses().length === 1);
  await room.restartGateway();
  await lost.promise;
  await until("the next stream", async () => proxy.statuses().length === 2);
  await room.platen(["cancel", job]);
  const { code, stdout, stderr } = await watching;
  proxy.close();
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  expect(stdout).toMatch(
    /^The server ended the stream; joining again …\n(! no_worker.*\n)?(No worker answers.*\n)?.*■ cancelled.*\n$/,
  );
});

it("watch says in one line that a connection broke, however long that lasts", async () => {
  const job = await queued();
  const proxy = await startStreamProxy(() => room.url);
  const watching = room.platen(["watch", job], { env: { PLATEN_SERVER: proxy.url } });
  await until("the stream", async () => proxy.statuses().length === 1);
  proxy.treat({ status: 503, everything: true });
  proxy.cut();
  await until("two attempts more", async () => proxy.cursors().length === 3);
  proxy.treat("pass");
  await room.platen(["cancel", job]);
  const { code, stdout, stderr } = await watching;
  proxy.close();
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  expect(stdout).toMatch(
    /^Connection lost; joining again …\n(! no_worker.*\n)?(No worker answers.*\n)?.*■ cancelled.*\n$/,
  );
});

it("watch says in one line that it polls, where a proxy lets no stream through", async () => {
  const job = await queued();
  const proxy = await startStreamProxy(() => room.url);
  proxy.treat({ status: 502 });
  const polls = Promise.withResolvers<void>();
  const onLine = (): void => polls.resolve();
  const watching = room.platen(["watch", job], { env: { PLATEN_SERVER: proxy.url }, onLine });
  await polls.promise;
  await room.platen(["cancel", job]);
  const { code, stdout, stderr } = await watching;
  proxy.close();
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  expect(stdout).toMatch(
    /^Streams do not get through\. Asking every 5 seconds instead\.\n(! no_worker.*\n)?(No worker answers.*\n)?.*■ cancelled.*\n$/,
  );
});

it("watch says in the server's words that it has no room for another stream, and polls", async () => {
  const job = await queued();
  const proxy = await startStreamProxy(() => room.url);
  const body = `retry: 500\n\nevent: error\ndata: {"code":"too_many_streams","message":"There are too many."}\n\n`;
  proxy.treat({ status: 200, headers: { "content-type": "text/event-stream" }, body });
  const polls = Promise.withResolvers<void>();
  const onLine = (): void => polls.resolve();
  const watching = room.platen(["watch", job], { env: { PLATEN_SERVER: proxy.url }, onLine });
  await polls.promise;
  await room.platen(["cancel", job]);
  const { code, stdout, stderr } = await watching;
  proxy.close();
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  expect(stdout).toMatch(
    /^There are too many\. Asking every 5 seconds instead\.\n(! no_worker.*\n)?(No worker answers.*\n)?.*■ cancelled.*\n$/,
  );
});

it("watch --json prints events and nothing else, whatever becomes of the stream; the final one once, and last", async () => {
  const job = await queued();
  const proxy = await startStreamProxy(() => room.url);
  const watching = room.platen(["watch", job, "--json"], { env: { PLATEN_SERVER: proxy.url } });
  await until("the stream", async () => proxy.statuses().length === 1);
  proxy.cut();
  await until("the next stream", async () => proxy.statuses().length === 2);
  await room.restartGateway();
  await until("another one", async () => proxy.statuses().length === 3);
  await room.platen(["cancel", job]);
  const { code, json, stderr } = await watching;
  proxy.close();
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  expect(json().every((line) => typeof line["event"] === "string" && "data" in line)).toBe(true);
  expect(json()[0]).toMatchObject({ event: "job_update", data: { status: "queued", snapshot: true } });
  expect(json().filter(({ event }) => event === "job-cancelled")).toHaveLength(1);
  expect(json().at(-1)).toMatchObject({ event: "job-cancelled", data: { status: "cancelled" } });
});

it("watch of a server that is away, or is none, ends at once and says so", async () => {
  const away = await room.platen(["watch", "job_1"], { env: { PLATEN_SERVER: "http://127.0.0.1:9" } });
  expect(away.stderr).toMatch(/^✗ http:\/\/127\.0\.0\.1:9 cannot be reached: .+\.\nStart a stack/);
  expect(away.code).toBe(3);
  const proxy = await startStreamProxy(() => room.url);
  proxy.treat({ status: 200, headers: { "content-type": "text/html" }, body: "<html>Hello</html>", everything: true });
  const other = await room.platen(["watch", "job_1"], { env: { PLATEN_SERVER: proxy.url } });
  proxy.close();
  expect(other.stderr).toContain("does not behave like a Platen gateway");
  expect(other.code).toBe(1);
});

it("Ctrl-C ends a watch with exit code 130, and the job goes on", async () => {
  const job = await queued();
  const args = ["publish", (await createDraft(room)).project, "--env", "dev", "--watch"];
  const { code, stdout } = await room.platen(args, { interruptAt: "Publishing version" });
  expect(code).toBe(130);
  expect(stdout).toContain("The job goes on; `platen watch job_");
  expect((await room.platen(["jobs", "--status", "queued", "--json"])).json().map(({ job_id }) => job_id)).toContain(
    job,
  );
});
