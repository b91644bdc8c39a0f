/** Who waits for whom over a version's row: a publish is asked for while an import runs, and the other way round. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { createDatabase, query, transaction, type Database, type Db } from "../../src/db.ts";
import { insertJob } from "../../src/jobs/new-job-store.ts";
import { editDraft, findVersion, type Version } from "../../src/projects/version-store.ts";
import { lockVersion } from "../../src/releases/release-store.ts";
import { createDraft, createPublishing, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
/** Gives up on a lock after a second, so that a wait is a failure and not a test that hangs. */
let impatient: Database;
let draft: Draft;
let version: Version;

beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
  const name = new URL(room.databaseUrl).pathname.slice(1);
  await query(room.database.em.fork(), `alter database ${name} set lock_timeout = 1000`);
  impatient = await createDatabase({ url: room.databaseUrl });
});
afterAll(async () => {
  await impatient?.close();
  await room?.close();
});
beforeEach(async () => {
  draft = await createDraft(room);
  const db = room.database.em.fork();
  version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
});

/** As POST publish does it: the row's foreign keys hold project and version until the transaction ends. */
async function insertPublish(tx: Db): Promise<void> {
  const id = uuidv7();
  const job = { id, job_type: "publish", message: "", payload: {}, environment: "dev" } as const;
  const { tenant_id, project_id, version_id } = draft;
  const created_by = room.principal.id;
  await insertJob(tx, { ...job, tenant_id, project_id, version_id, created_by });
}

test("a publish that is being accepted does not block an edit", async () => {
  await transaction(room.database, async (tx) => {
    await insertPublish(tx);
    const edited = await editDraft(impatient.em.fork(), version, async () => ({ changed: true }));
    expect(edited.revision).toBe(2);
  });
});

test("a publish that is being accepted does not block the switch of another one", async () => {
  await transaction(room.database, async (tx) => {
    await insertPublish(tx);
    const locked = await transaction(impatient, (other) => lockVersion(other, version.id));
    expect(locked).toEqual({ revision: 1, status: "draft" });
  });
});

test("an import does not block a publish from being accepted", async () => {
  await editDraft(room.database.em.fork(), version, async () => {
    await transaction(impatient, insertPublish);
    return { changed: true };
  });
});

test("two edits still wait for each other, and so does an edit for the switch", async () => {
  const edit = () => editDraft(impatient.em.fork(), version, async () => ({ changed: true }));
  await editDraft(room.database.em.fork(), version, async () => {
    await expect(edit()).rejects.toThrow(/lock timeout/);
    return { changed: false };
  });
  await transaction(room.database, async (tx) => {
    await lockVersion(tx, version.id);
    await expect(edit()).rejects.toThrow(/lock timeout/);
  });
});
