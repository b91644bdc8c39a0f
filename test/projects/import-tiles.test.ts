/** Importers that stall while they put a tile: what a row vouches for stays what it is. */
import { createHash } from "node:crypto";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { query, queryOne } from "../../src/db.ts";
import { importTile } from "../../src/projects/import-tiles.ts";
import { findTile } from "../../src/projects/tile-store.ts";
import { findVersion, type Version } from "../../src/projects/version-store.ts";
import { draftTileKey } from "../../src/storage/keys.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createDraft, createPublishing, SMALL, until, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

const KEY = "0/0_0.png";
const pixel = (background: string) =>
  sharp({ create: { width: 1, height: 1, channels: 3, background } })
    .png()
    .toBuffer();
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

let room: Publishing;
let version: Version;
let [red, blue]: Buffer[] = [];
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
  [red, blue] = await Promise.all([pixel("#f00"), pixel("#00f")]);
});
afterAll(() => room?.close());
beforeEach(async () => {
  const draft = await createDraft(room, { descriptor: SMALL });
  const db = room.database.em.fork();
  version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
});

const importInto = (store: ObjectStore, bytes: Buffer) =>
  importTile({ db: room.database.em.fork(), store, version, key: KEY, bytes });

/** A store whose first put waits, before it writes anything, until it is let go. */
function stallingStore() {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let first = true;
  const store: ObjectStore = {
    ...room.stores.private,
    async put(...args) {
      if (first) {
        first = false;
        begun.resolve();
        await gate.promise;
      }
      return room.stores.private.put(...args);
    },
  };
  return { store, begun: begun.promise, letGo: () => gate.resolve() };
}

async function freeze(): Promise<void> {
  await query(room.database.em.fork(), `update versions set status = 'published' where id = $1`, [version.id]);
}

async function somebodyWaits(): Promise<boolean> {
  const row = await queryOne(
    room.database.em.fork(),
    `select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
  );
  return row !== null;
}

async function stored(): Promise<{ object: string; row: string | undefined }> {
  const found = await room.stores.private.get(draftTileKey(version.tenant, version.project, version.number, KEY));
  const object = sha256(Buffer.concat(await found!.body.toArray()));
  return { object, row: (await findTile(room.database.em.fork(), version.id, KEY))?.sha256 };
}

test.each(["is new", "was there with the same bytes"])(
  "a stalled import of a tile that %s does not change the object of another import, published meanwhile",
  async (what) => {
    if (what === "is new")
      await query(room.database.em.fork(), `delete from tiles where version_id = $1`, [version.id]);
    else await importInto(room.stores.private, red!);
    const stalling = stallingStore();
    const slow = importInto(stalling.store, red!).catch((error: unknown) => error);
    await stalling.begun;
    let ended = false;
    const fast = importInto(room.stores.private, blue!).finally(() => (ended = true));
    await until("the other import to end or to wait", async () => ended || (await somebodyWaits()));
    // The publish switches as soon as the other import has ended.
    const published = fast.then(freeze);
    if (ended) await published;
    stalling.letGo();
    await Promise.all([slow, published]);
    expect(await stored()).toEqual({ object: sha256(blue!), row: sha256(blue!) });
  },
);

test("a version that is published while a new tile is on its way has no row for it, and says so", async () => {
  await query(room.database.em.fork(), `delete from tiles where version_id = $1`, [version.id]);
  const stalling = stallingStore();
  const slow = importInto(stalling.store, red!);
  const outcome = expect(slow).rejects.toMatchObject({ code: "version_published" });
  await stalling.begun;
  await freeze();
  stalling.letGo();
  await outcome;
  expect((await stored()).row).toBeUndefined();
});

test("a stalled import does not keep other tiles of the version waiting", async () => {
  const stalling = stallingStore();
  await query(room.database.em.fork(), `delete from tiles where version_id = $1`, [version.id]);
  const slow = importInto(stalling.store, red!);
  await stalling.begun;
  const db = room.database.em.fork();
  const bytes = await sharp({ create: { width: 2, height: 1, channels: 3, background: "#0f0" } })
    .png()
    .toBuffer();
  const { changed } = await importTile({ db, store: room.stores.private, version, key: "1/0_0.png", bytes });
  expect(changed).toBe(true);
  stalling.letGo();
  expect(await slow).toMatchObject({ changed: true });
});
