/** Objects that nothing refers to go, and nothing that anybody relies on ever does, however maintenance and publishes meet. */
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import { keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { query } from "../../src/db.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { createChaosRoom, tileKeys, type ChaosRoom } from "../support/chaos-room.ts";
import { jobRow, ledger, until, type Draft } from "../support/publishing.ts";
import { expectWhole, publicTiles } from "../support/whole-release.ts";
import { sweepOnce } from "./sweep-once.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
}, 60_000);
afterAll(() => room?.close());

const NOW = { orphanGraceHours: 0 };
const rows = <Row>(sql: string, params: unknown[] = []): Promise<Row[]> =>
  query<Row>(room.database.em.fork(), sql, params);

/** How many of the draft's tiles are in the public store. */
async function uploaded(draft: Draft): Promise<number> {
  const found = await Promise.all(
    (await publicTiles(room, draft)).map((path) =>
      access(path).then(
        () => 1,
        () => 0,
      ),
    ),
  );
  return found.reduce((sum: number, each) => sum + each, 0);
}

/** Its switch will find that the job has lost its guard: it fails there, and can be retried. */
const failAtSwitch = (job: string): Promise<unknown> => rows(`delete from publish_guards where job_id = $1`, [job]);

/** A publish that failed once everything was uploaded. */
async function abandoned(): Promise<{ draft: Draft; job: string }> {
  const draft = await room.draft();
  const { job, gate } = await room.publishUpTo(draft, "mark_published");
  await failAtSwitch(job);
  await gate.open();
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "failed", error_code: "guard_lost" });
  return { draft, job };
}

it("what a failed publish has left behind goes once its grace time is over, and a retry puts it there again", async () => {
  const { draft, job } = await abandoned();
  const all = (await tileKeys(room, draft)).length;
  expect(await uploaded(draft)).toBe(all);
  // In its grace time it is the job's own, for a retry.
  await sweepOnce(room, { orphanGraceHours: 1 });
  expect(await uploaded(draft)).toBe(all);

  const dry = await sweepOnce(room, { ...NOW, dry_run: true });
  expect(dry.removed).toMatchObject({ claims: 2 });
  expect(await uploaded(draft)).toBe(all);
  const swept = await sweepOnce(room, NOW);
  expect(await uploaded(draft)).toBe(0);
  expect(swept.removed["public_objects"]).toBeGreaterThan(all);
  expect(swept.report).toContainEqual({
    task: "public_objects",
    store: "public",
    objects: expect.stringContaining(`${draft.project}/tiles/`) as string,
    count: all + 1,
  });
  expect((await sweepOnce(room, NOW)).removed["public_objects"]).toBe(0);

  // What its steps had yielded is not believed any more.
  await retryJob(room.deps, { job_id: job, by: room.principal });
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 2 });
  await expectWhole(room, draft);
}, 120_000);

it("a publish that stands between what it has skipped and its switch loses nothing", async () => {
  const { draft } = await abandoned();
  // Everything is there already: this one skips all of it, and stands before it has verified, and before it switches.
  for (const moment of ["verify_tiles", "mark_published"] as const) {
    const { job, gate } = await room.publishUpTo(draft, moment);
    const swept = await sweepOnce(room, NOW);
    expect(swept.report.filter(({ objects }) => String(objects).startsWith(draft.project))).toEqual([]);
    if (moment === "verify_tiles") {
      await failAtSwitch(job);
      await gate.open();
      expect((await room.ended(job, 60_000)).status).toBe("failed");
      continue;
    }
    await gate.open();
    expect((await room.ended(job, 60_000)).status).toBe("completed");
  }
  await expectWhole(room, draft);
  // And what is live stays, claimed or not.
  await sweepOnce(room, NOW);
  expect(await rows(`select 1 from object_claims where project_id = $1`, [draft.project_id])).toEqual([]);
  await expectWhole(room, draft);
}, 120_000);

it("without its claim it would: the rule is what keeps its objects", async () => {
  const { draft } = await abandoned();
  const { job, gate } = await room.publishUpTo(draft, "verify_tiles");
  await rows(`delete from object_claims where project_id = $1`, [draft.project_id]);
  await sweepOnce(room, NOW);
  expect(await uploaded(draft)).toBe(0);
  await gate.open();
  // Verifying mends what is missing from the draft: it is not what this test is about.
  await room.ended(job, 60_000);
}, 120_000);

it("a publish that comes while its objects are being removed waits, and puts them there anew", async () => {
  const { draft, job } = await abandoned();
  await sweepOnce(room, { orphanGraceHours: 0, dry_run: true });
  const [place] = await rows<{ prefix: string }>(
    `select prefix from object_claims where job_id = $1 and prefix like '%/tiles/%'`,
    [job],
  );
  const prefix = place?.prefix ?? "";
  await rows(`insert into orphan_objects (store, prefix, holder, beat_at) values ('public', $1, 'other/1', now())`, [
    prefix,
  ]);
  const next = await room.publish(draft);
  await until("the publish to say what it waits for", async () =>
    (await ledger(room, next)).some(({ data }) => data["code"] === "objects_being_removed"),
  );
  // The other one has removed all, and says so.
  for await (const { key } of room.stores.public.list(prefix)) await room.stores.public.delete(key);
  await rows(`delete from orphan_objects where prefix = $1`, [prefix]);
  expect((await room.ended(next, 60_000)).status).toBe("completed");
  await expectWhole(room, draft);
}, 120_000);

it("a publish ends the removal of a clean-up that has died", async () => {
  const { draft, job } = await abandoned();
  const [place] = await rows<{ prefix: string }>(
    `select prefix from object_claims where job_id = $1 and prefix like '%/tiles/%'`,
    [job],
  );
  const dead = `insert into orphan_objects (store, prefix, holder, beat_at) values ('public', $1, 'dead/1', now() - interval '1 hour')`;
  await rows(dead, [place?.prefix]);
  const [gone = ""] = await publicTiles(room, draft);
  await room.stores.public.delete(gone.slice(join(room.storeFolder, "public").length + 1));
  const next = await room.publish(draft);
  expect((await room.ended(next, 60_000)).status).toBe("completed");
  await expectWhole(room, draft);
  expect(await rows(`select 1 from orphan_objects where store = 'public'`)).toEqual([]);
}, 120_000);

it("two clean-ups at a time remove all of it once", async () => {
  const { draft } = await abandoned();
  const all = (await tileKeys(room, draft)).length + 2;
  const [one, other] = await Promise.all([
    sweepOnce(room, { ...NOW, holder: "a/1" }),
    sweepOnce(room, { ...NOW, holder: "b/1" }),
  ]);
  const mine = [...one.report, ...other.report].filter(({ objects }) => String(objects).startsWith(draft.project));
  expect(mine.reduce((sum, { count }) => sum + Number(count), 0)).toBe(all);
  expect(await uploaded(draft)).toBe(0);
}, 120_000);

it("artifacts that have expired go, and objects that no artifact names; one that is being made stays", async () => {
  const artifact = async (expires_at: string | null): Promise<string> => {
    const id = uuidv7();
    const record = {
      id,
      tenant_id: room.tenant_id,
      tenant: "harbour",
      kind: "upload" as const,
      job_id: null,
      project_id: null,
    };
    const file = { name: "a.txt", media_type: "text/plain", created_by: room.principal.id, expires_at };
    await keepArtifact(
      { db: room.database.em.fork(), store: room.stores.private },
      { ...record, ...file },
      Buffer.from("x"),
    );
    return id;
  };
  const [lasting, expired, lost] = [
    await artifact(null),
    await artifact(new Date(Date.now() - 1_000).toISOString()),
    uuidv7(),
  ];
  await room.stores.private.put(artifactKey("harbour", lost), Buffer.from("died before its record"));
  const kept = async (): Promise<string[]> => readdir(join(room.storeFolder, "private", "harbour", "artifacts"));
  const first = await sweepOnce(room, { orphanGraceHours: 24 });
  expect(first.removed).toMatchObject({ artifacts: 1, private_objects: 0 });
  expect(first.report).toContainEqual({ task: "artifacts", artifact: expired, name: "a.txt", size: 1 });
  expect(await kept()).toEqual(expect.arrayContaining([lasting, expired, lost]));
  const marked = await rows<{ prefix: string }>(`select prefix from orphan_objects where store = 'private'`);
  expect(marked.map(({ prefix }) => prefix).toSorted()).toEqual(
    [expired, lost].map((id) => artifactKey("harbour", id)).toSorted(),
  );

  expect((await sweepOnce(room, NOW)).removed).toMatchObject({ private_objects: 2 });
  expect(await kept()).toContain(lasting);
  expect(await kept()).not.toContain(lost);
  expect(await kept()).not.toContain(expired);
}, 60_000);

it("what was generated of a draft that has changed since goes; that of the draft as it is stays", async () => {
  const { draft } = await abandoned();
  const staged = async (): Promise<number> => {
    let count = 0;
    for await (const { key } of room.stores.private.list(`harbour/${draft.project}/`))
      if (key.includes("/staged/")) count += 1;
    return count;
  };
  expect(await staged()).toBe(2);
  await sweepOnce(room);
  expect(await staged()).toBe(2);
  await rows(`update versions set revision = revision + 1 where id = $1`, [draft.version_id]);
  expect((await sweepOnce(room)).removed["staged_releases"]).toBe(2);
  expect(await staged()).toBe(0);
  const job = await room.publish(draft);
  expect((await room.ended(job, 60_000)).status).toBe("completed");
  expect((await jobRow(room, job)).status).toBe("completed");
}, 120_000);
