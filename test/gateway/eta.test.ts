/** Arrival times of publishes that real workers run; test/jobs/eta says how they are reckoned. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Transfer } from "../../src/storage/object-store.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { framesOf } from "../support/frames.ts";
import { createDraft, until } from "../support/publishing.ts";
import { sendRaw, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

const RUNS = 5;

let room: GatewayRoom;
let worker: RunningWorker;
/** While it is there, uploads wait for it. */
let held: Promise<void> | null = null;
let release: () => void = () => undefined;

beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real" });
  const transfer: Transfer = {
    ...room.stores.transfer,
    async copy(objects, options) {
      await held;
      return room.stores.transfer.copy(objects, options);
    },
  };
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: { ...room.stores, transfer } });
});
afterAll(async () => {
  release();
  await worker?.stop();
  await room?.close();
});

async function publish(): Promise<string> {
  const { project } = await createDraft(room);
  const { body } = await room.call("POST", `/projects/${project}/versions/1/publish`, { body: {} });
  return body.id;
}

const read = async (id: string) => (await room.call("GET", `/jobs/${id}`)).body;
const uploading = (id: string) => until(`job ${id} uploads`, async () => (await read(id)).step === "upload");

it("a running job has an arrival time once enough of its kind have run, and none while nobody can say", async () => {
  held = new Promise((resolve) => (release = resolve));
  const first = await publish();
  await uploading(first);
  const unknown = await read(first);
  expect(unknown).toMatchObject({ status: "running", eta: null, size: expect.any(Number) });
  held = null;
  release();
  const ids = [first];
  while (ids.length < RUNS) ids.push(await publish());
  for (const id of ids) await until(`job ${id} is completed`, async () => (await read(id)).status === "completed");
  expect((await read(first)).eta).toBeNull();
  expect((await room.call("GET", "/jobs/stats")).body.all.ended).toBe(RUNS);

  held = new Promise((resolve) => (release = resolve));
  const waiting = await publish();
  await uploading(waiting);
  const { eta, size } = await until("an arrival time", async () => {
    const job = await read(waiting);
    return job.eta && job;
  });
  expect(size).toBe(unknown.size);
  expect(Date.parse(eta.at)).toBeGreaterThan(Date.now() - 5_000);
  expect(Date.parse(eta.low)).toBeLessThanOrEqual(Date.parse(eta.at));
  expect(Date.parse(eta.high)).toBeGreaterThanOrEqual(Date.parse(eta.at));
  const listed = (await room.call("GET", "/jobs?status=running")).body.jobs;
  expect(listed.map((job: { id: string; eta: unknown }) => [job.id, job.eta !== null])).toEqual([[waiting, true]]);
  const stream = sendRaw(room.url, [
    `GET /jobs/${waiting}/stream HTTP/1.1`,
    `Authorization: Bearer ${room.keys.viewer}`,
  ]);
  await stream.holds("job_update");
  expect(framesOf(stream.text())[0]!.data.eta).toEqual({
    ...{ at: expect.any(String), low: expect.any(String), high: expect.any(String) },
  });

  // It takes far longer than any did, and says nothing: then an arrival time would be a lie.
  await until("no arrival time", async () => (await read(waiting)).eta === null);
  held = null;
  release();
  const frames = framesOf(await stream.ended());
  expect(frames.at(-1)!.event).toBe("job-complete");
  expect(frames.at(-1)!.data.eta).toBeUndefined();
});
