import { afterAll, beforeAll, expect, it } from "vitest";
import { createDraft } from "../support/publishing.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

let room: CliRoom;

// Nobody works here: jobs stay queued until they are cancelled. Streams end every second, and are joined again.
beforeAll(async () => {
  room = await createCliRoom({ PLATEN_STREAM_MAX_SECONDS: 1 });
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
  expect(cancelled).toMatchObject({ code: 0, stdout: "The job is cancelled.\n" });
  const { code, stdout } = await room.platen(["watch", job]);
  expect(stdout).toContain("■ cancelled");
  expect(code).toBe(4);
});

it("a second cancel is refused with the job's state", async () => {
  const job = await queued();
  await room.platen(["cancel", job]);
  const { code, stderr } = await room.platen(["cancel", job]);
  expect(stderr).toMatch(/✗ Job \S+ is cancelled already\.\nNothing is left to cancel/);
  expect(code).toBe(1);
});

it("watch joins streams that end, and a gateway that is started anew, and sees the final event once", async () => {
  const job = await queued();
  let snapshots = 0;
  const first = Promise.withResolvers<void>();
  const later = Promise.withResolvers<void>();
  const watching = room.platen(["watch", job, "--json"], {
    onLine(line) {
      if (!line.includes('"snapshot":true')) return;
      snapshots += 1;
      if (snapshots === 2) first.resolve();
      if (snapshots === 4) later.resolve();
    },
  });
  await first.promise;
  await room.restartGateway();
  await later.promise;
  await room.platen(["cancel", job]);
  const { code, json, stderr } = await watching;
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  expect(json().filter(({ event }) => event === "job-cancelled")).toHaveLength(1);
  expect(json().at(-1)).toMatchObject({ event: "job-cancelled", data: { status: "cancelled" } });
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
