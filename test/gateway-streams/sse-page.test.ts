/** docs/sse.md is the contract: its bytes are those that a gateway sends, its requests are answered as it says. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeProgress } from "../../src/jobs/progress-store.ts";
import { writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import { bodyOf, framesOf } from "../support/frames.ts";
import { createDraft, queueJob, until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { firstAttempt, sendRaw, startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";

const page = readFileSync(new URL("../../docs/sse.md", import.meta.url), "utf8");
let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

/** What differs from run to run, as the page has it. */
function printed(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "01a2071c-c0a0-76f8-baf8-de4739aa5369")
    .replaceAll(/\bjob_[0-9a-f]{32}\b/g, "job_01a2071cc0a076f8baf8de4739aa5369")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "2026-11-26T12:00:00.000Z")
    .replaceAll(/town-[0-9a-f]{8}/g, "harbour-town")
    .replaceAll(/^id: \d{3,}$/gm, "id: 4711")
    .replaceAll(/"steps":\[\{.*?\}\]/g, `"steps":[…]`);
}

/** The request of one of the page's `curl` lines. */
function ask(line: RegExp, job: string, project: string): RawAnswer {
  const found = page.split("\n").find((each) => each.startsWith("curl ") && line.test(each));
  if (!found) throw new Error(`the page has no curl line with ${line}`);
  const command = found.replaceAll("$JOB", job).replaceAll("$PROJECT", project).replaceAll("$KEY", room.keys.viewer);
  const url = /"?(?:http:\/\/127\.0\.0\.1:8080|\$PLATEN)(\/[^\s"]*)/.exec(command)?.[1];
  const headers = [...command.matchAll(/-H "([^"]+)"/g)].map(([, header = ""]) => header);
  return sendRaw(room.url, [`GET ${url} HTTP/1.1`, ...headers]);
}

async function enter(id: string): Promise<Grip> {
  const entered = await enterStep(room.deps, firstAttempt(id), { step: "validate", message: "Validating version 1" });
  if (entered.kind !== "entered") throw new Error(entered.kind);
  return entered.grip;
}

async function complete(id: string): Promise<void> {
  await transaction(room.database, async (tx) => {
    const result = { release_id: "rel_20261126120000_0f3a9c11", release_url: "/dev/harbour-town/release.json" };
    await writeEnding(tx, (await lockJob(tx, id))!, { status: "completed", message: "Published", result });
  });
  room.deps.notifier.touch(id);
}

async function tellAll(id: string, seen: (part: string) => Promise<unknown>): Promise<void> {
  const grip = await enter(id);
  await seen('"progress":0,"message":"Validating version 1"');
  const report = { job_id: id, generation: 1, attempt_at: grip.attempt_at, report: 1 };
  await writeProgress(room.database.em.fork(), [{ ...report, progress: 4, message: "170 of 429 overlays" }]);
  await seen("170 of 429 overlays");
  await leaveStep(room.deps, grip, "validate", "Validated 429 overlays and 151 tiles");
  await seen('"progress":10');
  await complete(id);
}

it("its stream of one job is, byte for byte, what a gateway sends", async () => {
  const { project, ...draft } = await createDraft(room);
  const id = await queueJob(room, { project, ...draft });
  const stream = ask(/jobs\/\$JOB\/stream"?$/, id, project);
  await stream.holds("snapshot");
  await tellAll(id, stream.holds);
  const raw = await stream.ended();
  expect(page).toContain(printed(bodyOf(raw)).trimEnd());
  const [, done = ""] = /"steps":(\[\{.*?\}\])/.exec(raw.slice(raw.indexOf("id: 5"))) ?? [];
  expect(page).toContain(printed(done));
  for (const line of raw.slice(0, raw.indexOf("\r\n\r\n")).split("\r\n")) {
    if (!/^(Date|X-Request-Id|X-Content-Type-Options):/.test(line)) expect(page).toContain(line);
  }

  const resumed = ask(/Last-Event-ID: 3/, id, project);
  expect(framesOf(await resumed.ended()).flatMap((frame) => frame.id ?? [])).toEqual(["4", "5", "6", "7", "8"]);
});

it("its stream of many jobs is, byte for byte, what a gateway sends", async () => {
  const { project, ...draft } = await createDraft(room);
  const id = await queueJob(room, { project, ...draft });
  const stream = ask(/jobs\/stream\?/, id, project);
  await stream.holds("event: synced");
  await complete(id);
  await stream.holds("event: job-complete");
  await until("the end of the batch", async () => /job-complete[^]*event: synced[^]*\n\n\r\n$/.test(stream.text()));
  stream.socket.destroy();
  expect(page).toContain(printed(bodyOf(stream.text())).trimEnd());
});

it("its WebSocket messages are those that a gateway takes and sends", async () => {
  const id = await queueJob(room, await createDraft(room));
  const ws = new WebSocket(`${room.url.replace("http", "ws")}/ws/jobs`, {
    headers: { Authorization: `Bearer ${room.keys.viewer}` },
  });
  const said: string[] = [];
  ws.on("message", (data: Buffer) => said.push(data.toString()));
  await new Promise((resolve) => ws.once("open", resolve));
  const lines = page.split("\n");
  const told = lines.filter((line) => line.startsWith("→ ")).map((line) => line.slice(2));
  const heard = lines.filter((line) => line.startsWith("← ")).map((line) => line.slice(2));
  expect([told.length, heard.length]).toEqual([4, 5]);
  for (const message of told) {
    const before = said.length;
    ws.send(message.replace("01a2071c-c0a0-76f8-baf8-de4739aa5369", id));
    await until(`an answer to ${message}`, async () => said.length > before);
    if (message.includes('"subscribe"') && !message.includes("nobody"))
      await until("the snapshot", async () => said.length > before + 1);
  }
  ws.close();
  expect(said.map(printed)).toEqual(heard);
});
