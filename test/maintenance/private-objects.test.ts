/** Cut tiles, manifests and replaced pictures that nothing names go; what a job or a draft counts on never does. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { cutManifestKey, cutTilesPrefix, digestKey } from "../../src/storage/keys.ts";
import { privatePlaceOf } from "../../src/maintenance/private-orphans.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { picture, putSource } from "../support/pictures.ts";
import { createDraft, until, type Draft } from "../support/publishing.ts";
import { sweepOnce } from "./sweep-once.ts";

let room: ChaosRoom;
let draft: Draft;
beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
}, 60_000);
beforeEach(async () => {
  draft = await createDraft(room);
  await putSource(room, draft, await picture(300, 200));
});
afterAll(() => room?.close());

const NOW = { orphanGraceHours: 0 };
const rows = <Row>(sql: string, params: unknown[] = []): Promise<Row[]> =>
  query<Row>(room.database.em.fork(), sql, params);
const begin = (start = true): Promise<string> =>
  startSample(room, draft, { type: "tile_generation", payload: { project: draft.project, version: 1 }, start });

async function cut(): Promise<string> {
  const job = await begin();
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed" });
  return job;
}

/** A job that has cut its tiles, and stands before it attaches them. */
async function cutUnattached() {
  const job = await begin(false);
  const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: "attach", status: "running" } });
  await startJob(room.deps, job, 1);
  await gate.reached();
  return { job, gate };
}

async function cutKeys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of room.stores.private.list(cutTilesPrefix("harbour", draft.project))) found.push(key);
  return found.toSorted();
}

/** Where the draft's tiles must be. */
async function namedKeys(): Promise<string[]> {
  const sql = `select distinct sha256 from tiles where version_id = $1 and by_digest`;
  const named = await rows<{ sha256: string }>(sql, [draft.version_id]);
  return named.map(({ sha256 }) => digestKey(cutTilesPrefix("harbour", draft.project), sha256)).toSorted();
}

const manifest = async (job: string): Promise<boolean> =>
  (await room.stores.private.head(cutManifestKey("harbour", draft.project, 1, job))) !== null;

it("a job that stands between cutting and attaching loses nothing", async () => {
  const { job, gate } = await cutUnattached();
  const before = await cutKeys();
  expect(before.length).toBeGreaterThan(0);
  await sweepOnce(room, NOW);
  expect(await cutKeys()).toEqual(before);
  expect(await manifest(job)).toBe(true);
  await gate.open();
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed" });
  await sweepOnce(room, NOW);
  expect(await cutKeys()).toEqual(before);
  expect(await namedKeys()).toEqual(before);
}, 120_000);

it("without its claim it would: the rule is what keeps its tiles", async () => {
  const { job, gate } = await cutUnattached();
  await rows(`delete from object_claims where job_id = $1`, [job]);
  await sweepOnce(room, NOW);
  expect(await cutKeys()).toEqual([]);
  await gate.open();
  await room.ended(job, 60_000);
}, 120_000);

it("tiles and manifests that were replaced go when their grace time is over; those of the draft stay", async () => {
  const first = await cut();
  const old = await cutKeys();
  await putSource(room, draft, await picture(320, 210, "jpeg"));
  await cut();
  const named = await namedKeys();
  const unnamed = old.filter((key) => !named.includes(key));
  expect(unnamed.length).toBeGreaterThan(0);
  await sweepOnce(room, { orphanGraceHours: 24 });
  expect(await cutKeys()).toEqual([...new Set([...old, ...named])].toSorted());
  expect((await sweepOnce(room, { ...NOW, dry_run: true })).removed["private_objects"]).toBeGreaterThanOrEqual(
    unnamed.length + 1,
  );
  await sweepOnce(room, NOW);
  expect(await cutKeys()).toEqual(named);
  expect(await manifest(first)).toBe(false);
}, 120_000);

it("a job that cuts tiles again that are marked as orphans has them; those that are being removed it waits for", async () => {
  await cut();
  const old = await cutKeys();
  await rows(`delete from tiles where version_id = $1`, [draft.version_id]);
  await rows(`delete from object_claims where project_id = $1`, [draft.project_id]);
  await sweepOnce(room, { orphanGraceHours: 24 });
  const marks = (): Promise<unknown[]> =>
    rows(`select 1 from orphan_objects where starts_with(prefix, $1)`, [cutTilesPrefix("harbour", draft.project)]);
  expect(await marks()).toHaveLength(old.length);
  const [dying = ""] = old;
  await rows(`update orphan_objects set holder = 'dead/1', beat_at = now() - interval '1 hour' where prefix = $1`, [
    dying,
  ]);
  const { job, gate } = await cutUnattached();
  expect(await marks()).toEqual([]);
  await sweepOnce(room, NOW);
  await gate.open();
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed" });
  expect(await cutKeys()).toEqual(old);
}, 120_000);

it("a picture that was replaced goes in a week; the one the draft has, and one that comes back, do not", async () => {
  const [one, other] = [await picture(300, 200), await picture(200, 100)];
  const { artifact: second } = await putSource(room, draft, other);
  const { artifact: first } = await putSource(room, draft, one);
  const days = async (): Promise<unknown[]> =>
    rows(
      `select id, round(extract(epoch from expires_at - now()) / 86400)::int as days from artifacts where id = any ($1) order by days`,
      [[first, second]],
    );
  expect(await days()).toEqual([
    { id: second, days: 7 },
    { id: first, days: null },
  ]);
  await putSource(room, draft, other);
  expect(await days()).toEqual([
    { id: first, days: 7 },
    { id: second, days: null },
  ]);
  await rows(`update artifacts set expires_at = now() where id = $1`, [first]);
  await sweepOnce(room, NOW);
  expect(await days()).toEqual([{ id: second, days: null }]);
}, 60_000);

it("what is left of a project that was deleted goes, and a new project of its name waits for that", async () => {
  const key = `harbour/left-over/versions/1/tiles/0/0_0.png`;
  await room.stores.private.put(key, Buffer.from("late"));
  const place = "harbour/left-over/";
  const make = (): Promise<unknown> =>
    createProject(room.database.em.fork(), {
      tenant_id: room.tenant_id,
      slug: "left-over",
      name: "Left over",
      created_by: null,
    });
  await sweepOnce(room, { orphanGraceHours: 24 });
  expect(await room.stores.private.head(key)).not.toBeNull();
  await rows(`update orphan_objects set holder = 'other/1', beat_at = now() where prefix = $1`, [place]);
  await expect(make()).rejects.toMatchObject({ code: "objects_being_removed" });
  await rows(`update orphan_objects set holder = null where prefix = $1`, [place]);
  await sweepOnce(room, NOW);
  expect(await room.stores.private.head(key)).toBeNull();
  await until("the name to be free", async () => (await make()) !== null);
  await room.stores.private.put(key, Buffer.from("new"));
  await sweepOnce(room, NOW);
  expect(await room.stores.private.head(key)).not.toBeNull();
}, 60_000);

it.each([
  ["t/artifacts/0190c2f0-0000-7000-8000-000000000000", "artifact"],
  ["t/artifacts/other", undefined],
  [`t/p/cut/${"ab".repeat(32).slice(0, 2)}/${"ab".repeat(32)}`, "tile"],
  [`t/p/cut/cd/${"ab".repeat(32)}`, "draft"],
  ["t/p/versions/3/cut/0190c2f0-0000-7000-8000-000000000000/tiles.ndjson", "manifest"],
  ["t/p/versions/3/cut/other/tiles.ndjson", "draft"],
  ["t/p/versions/3/tiles/0/0_0.png", "draft"],
  ["t/loose", undefined],
  ["other/p/cut/ab", undefined],
])("the key %s is of: %s", (key, kind) => {
  expect(privatePlaceOf("t", key)?.kind).toBe(kind);
});
