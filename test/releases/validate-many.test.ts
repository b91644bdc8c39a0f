import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { deleteTiles } from "../../src/projects/tile-store.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { validateVersion } from "../../src/releases/validate-version.ts";
import { dziLevels, tileCount, type Descriptor } from "../../src/tiles/dzi.ts";
import { createDraft, createPublishing, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

const LARGE: Descriptor = { width: 120_000, height: 110_000, tile_size: 256, overlap: 0, format: "png" };

let room: Publishing;
let draft: Draft;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

/** A draft whose manifest has every tile of `descriptor`, in the records only. */
async function createLargeDraft(descriptor: Descriptor): Promise<void> {
  draft = await createDraft(room, { descriptor: { ...descriptor, width: 1, height: 1 } });
  const db = room.database.em.fork();
  await query(db, `delete from tiles where version_id = $1`, [draft.version_id]);
  const { width, height, tile_size } = descriptor;
  await query(db, `update tile_sets set width = $2, height = $3, tile_size = $4 where version_id = $1`, [
    draft.version_id,
    width,
    height,
    tile_size,
  ]);
  for (const { level, columns, rows } of dziLevels(descriptor))
    await query(
      db,
      `
      insert into tiles (version_id, tenant_id, key, size, sha256, media_type)
      select $1, $2, format('%s/%s_%s.png', $3::int, x, y), 1, '', 'image/png'
      from generate_series(0, $4::int - 1) x, generate_series(0, $5::int - 1) y
      `,
      [draft.version_id, draft.tenant_id, level, columns, rows],
    );
  // An import takes longer than autovacuum does to come by; without statistics each page would sort all rows behind it.
  await query(db, `analyze tiles`);
}

describe("a version of 270,000 tiles", () => {
  beforeAll(() => createLargeDraft(LARGE), 60_000);

  it("is checked in flat memory, and the event loop gets its turn", { timeout: 120_000 }, async () => {
    const db = room.database.em.fork();
    await deleteTiles(db, draft.version_id, ["17/300_299.png"]);
    await query(
      db,
      `insert into tiles (version_id, tenant_id, key, size, sha256, media_type) values ($1, $2, '17/469_0.png', 1, '', 'image/png')`,
      [draft.version_id, draft.tenant_id],
    );
    const script = fileURLToPath(new URL("validate-many.ts", import.meta.url));
    const args = ["--expose-gc", script, room.databaseUrl, draft.tenant_id, draft.project, String(tileCount(LARGE))];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const found = JSON.parse(stdout);

    expect(found).toMatchObject({
      tile_count: tileCount(LARGE),
      problems: [
        { code: "tile_unexpected", message: expect.stringContaining("1 tile(s) too many: 17/469_0.png.") },
        { code: "tile_missing", path: "/tiles/17/300_299.png" },
      ],
    });
    // Measured: 0.2 MiB and 11 ms. With all keys in a set, and one loop over what the pyramid calls for: 11 MiB and 226 ms.
    expect(found.grown).toBeLessThan(4);
    expect(found.busy).toBeLessThan(120);
  });

  it("is left alone once a thousand problems are known, and says that there are more", async () => {
    const db = room.database.em.fork();
    const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
    let asked = 0;
    const inspect: ObjectStore["inspect"] = async (objects) => {
      asked += objects.length;
      return { faults: objects.map(() => ({ kind: "absent" })), seal: "" };
    };
    const stores = { ...room.stores, private: { ...room.stores.private, inspect } };
    const { problems, tile_count } = await validateVersion(db, stores, version);
    expect(problems).toHaveLength(1_001);
    expect(problems.at(-1)).toMatchObject({ path: "/", message: expect.stringMatching(/at least \d+ more/) });
    expect(tile_count).toBe(tileCount(LARGE));
    // A page or two of a thousand.
    expect(asked).toBeLessThanOrEqual(2_000);
  });

  it("is left alone when nobody waits any more, and nothing is under way then", async () => {
    const db = room.database.em.fork();
    const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
    const stop = new AbortController();
    let [asked, underWay] = [0, 0];
    const inspect: ObjectStore["inspect"] = async (objects, how) => {
      asked += 1;
      underWay += 1;
      if (asked === 3) stop.abort(new Error("gone"));
      await room.stores.private.inspect(objects, how).finally(() => (underWay -= 1));
      return { faults: objects.map(() => null), seal: "" };
    };
    const stores = { ...room.stores, private: { ...room.stores.private, inspect } };
    await expect(validateVersion(db, stores, version, { signal: stop.signal })).rejects.toThrow("gone");
    expect(asked).toBe(3);
    expect(underWay).toBe(0);
  });
});

it("names the first thousand of the tiles that are absent, and counts the others", { timeout: 60_000 }, async () => {
  draft = await createDraft(room);
  const db = room.database.em.fork();
  await query(db, `update tile_sets set width = 100000, height = 100000 where version_id = $1`, [draft.version_id]);
  const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
  const { problems } = await validateVersion(db, room.stores, version);
  const named = problems.filter(({ code, path }) => code === "tile_missing" && path !== "/");
  expect(named.length).toBeGreaterThan(990);
  const expected = tileCount({ width: 100_000, height: 100_000, tile_size: 256, overlap: 1, format: "png" });
  // The small pyramid has levels of the large one: all that fit are there.
  const [, more = ""] = /at least (\d+) more/.exec(problems.at(-1)?.message ?? "") ?? [];
  expect(named.length + Number(more)).toBeGreaterThan(expected - 30);
});
