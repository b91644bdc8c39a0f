/** An attempt that wakes up when another has the job: what that one has judged and made stays. */
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { keepMade } from "../../activities/keep-made.ts";
import { query } from "../../src/db.ts";
import { judgeRows } from "../../src/imports/apply-import.ts";
import { insertRows, rejectedPage } from "../../src/imports/import-rows-store.ts";
import { demandMine } from "../../src/jobs/protocol/ledger-writes.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { jobRow } from "../support/publishing.ts";

let protocol: ProtocolRoom;
beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());

it("what it makes takes no place: the live attempt's is the one that is found, and is as it was", async () => {
  const { room, renew, grip } = protocol;
  const { job } = await renew();
  const run = uuidv7();
  const older = await grip(attemptOf(job, run, 1_000));
  const made = {
    ...{ what: "changes", tenant: "harbour", kind: "result" as const, expires_at: null },
    ...{ name: "changes.ndjson", media_type: "application/x-ndjson" },
  };
  const keep = async (by: typeof older, body: string) => {
    const tools = { row: await jobRow(room, job), grip: by, signal: new AbortController().signal };
    return keepMade(room.deps, tools, made, Buffer.from(body));
  };
  const records = () =>
    query<{ id: string }>(room.database.em.fork(), `select id from artifacts where job_id = $1`, [job]);
  const first = await keep(older, "the older one's, before it slept");
  const newer = await grip(attemptOf(job, run, 2_000));
  const { id } = await keep(newer, "the newer one's");
  expect(id).not.toBe(first.id);
  expect(await records()).toEqual([{ id }]);
  await expect(keep(older, "the older one's, woken up")).rejects.toMatchObject({ code: "superseded" });
  expect(await records()).toEqual([{ id }]);
  const found = await room.stores.private.get(artifactKey("harbour", id));
  expect(await text(found!.body)).toBe("the newer one's");
  // The same attempt makes it again in its place.
  expect((await keep(newer, "the newer one's, again")).id).toBe(id);
  expect(await records()).toEqual([{ id }]);
});

it("its look at the rows of an import is undone: the verdicts are those of the live attempt", async () => {
  const { room, renew, grip } = protocol;
  const { draft, job } = await renew();
  const run = uuidv7();
  const older = await grip(attemptOf(job, run, 1_000));
  const newer = await grip(attemptOf(job, run, 2_000));
  const db = room.database.em.fork();
  const stage = { id: uuidv7(), job_id: job, tenant_id: room.tenant_id };
  const rows = ["nobody", "nobody"].map((ref, at) => [at + 1, at + 2, ref, null, { area: 1 }, null, null]);
  await insertRows(db, stage, JSON.stringify(rows));
  const judge = (by: typeof older, create: boolean) =>
    judgeRows(db, {
      ...{ stage: stage.id, draft: { version_id: draft.version_id, create } },
      demand: (tx) => demandMine(tx, by),
    });
  expect(await judge(newer, false)).toBe(2);
  const verdicts = async () =>
    (await rejectedPage(db, stage.id, { after: 0, limit: 9 })).map(({ verdict }) => verdict?.code);
  expect(await verdicts()).toEqual(["ref_unknown", "ref_repeated"]);
  await expect(judge(older, true)).rejects.toMatchObject({ code: "superseded" });
  expect(await verdicts()).toEqual(["ref_unknown", "ref_repeated"]);
});
