/**
 * How far off are arrival times? Publishes of 60 drafts between ten and some ten thousand overlays and tiles run on the stack that `npm start`
 * runs; then each is foretold from those before it, at the moment when its size is known.
 *
 * Ours: the median of |foretold − true| / true. Theirs: the same of who tells the median time of all runs before, whatever their size.
 */
import { createHash, randomBytes } from "node:crypto";
import { PUBLISH_STEPS } from "../contract/publish.ts";
import { query, type Database } from "../src/db.ts";
import type { Run } from "../src/jobs/eta/learn.ts";
import { rollUpAll } from "../src/jobs/statistics/roll-up.ts";
import { replaceConfig } from "../src/projects/content-store.ts";
import { createVersion } from "../src/projects/create-version.ts";
import { importOverlays } from "../src/projects/import-overlays.ts";
import type { Overlay } from "../src/projects/overlay-store.ts";
import { createProject } from "../src/projects/project-store.ts";
import { insertTiles, replaceTileSet } from "../src/projects/tile-store.ts";
import { draftTileKey } from "../src/storage/keys.ts";
import { createStores } from "../src/storage/stores.ts";
import { ensureTenant } from "../src/tenants/tenant-store.ts";
import { expectedTiles, type Descriptor } from "../src/tiles/dzi.ts";
import { replay } from "./eta/replay.ts";
import type { Bench } from "./support/bench.ts";
import { openDatabase } from "./support/database.ts";
import { publishClient } from "./support/publish-over-http.ts";
import { startStack } from "./support/stack.ts";
import { round } from "./support/turns.ts";

const RUNS = 60;
const LARGEST = 20_000;
const TILE_BYTES = 2_000;

export const eta: Bench = {
  name: "eta",
  question: "How far off is the arrival time of a publish, against telling the median time of those before?",
  unit: "median relative error",
  goal: { at_most: 0.5 },
  async run(room) {
    const stack = await startStack(room);
    const { database } = await openDatabase(room, stack.database);
    const client = publishClient(stack);
    for (let at = 0; at < RUNS; at += 1) {
      // The same sizes every time, spread evenly over the magnitudes, in no order.
      const size = Math.round(10 * (LARGEST / 10) ** (((at * 37) % RUNS) / (RUNS - 1)));
      await makeDraft(database, stack.store, `eta-${at}`, size);
      await client.untilCompleted(await client.publish(`eta-${at}`));
      if (at % 10 === 9) room.tell(`${at + 1} of ${RUNS} publishes`);
    }
    await rollUpAll(database);
    const runs = await query<Run>(
      database.em.fork(),
      `select size, seconds from job_samples where job_type = 'publish' order by ended_at`,
    );
    const steps = PUBLISH_STEPS.map(({ name }) => name);
    const [, second = "", ...later] = steps;
    const replayed = replay(runs, steps, second);
    const { median_error, naive_median_error, within_range } = replayed;
    room.tell(`off by ${round(100 * median_error)} %, ${round(100 * within_range)} % within the range`);
    return {
      ours: median_error,
      theirs: naive_median_error,
      details: {
        ...{ runs: RUNS, at: `the beginning of ${second}`, ...replayed },
        later: Object.fromEntries(later.map((step) => [`at the beginning of ${step}`, replay(runs, steps, step)])),
        recorded: runs,
      },
    };
  },
};

/** About half of `size` are overlays, and half tiles, as far as a pyramid allows it. */
async function makeDraft(database: Database, folder: string, slug: string, size: number): Promise<void> {
  const db = database.em.fork();
  const { id: tenant_id } = await ensureTenant(db, { slug: "demo", name: "Demo" });
  await createProject(db, { tenant_id, slug, name: slug, created_by: null });
  const store = createStores({ folder, durable: false }).private;
  const version = await createVersion({ db, store, tenant_id, project: slug, created_by: null });
  const owner = { version_id: version.id, tenant_id };
  await replaceConfig(db, owner, { title: slug });
  // A level has a quarter of the tiles of the next.
  const side = Math.max(1, Math.round(Math.sqrt((size / 2) * 0.75) * 256));
  const descriptor: Descriptor = { width: side, height: side, tile_size: 256, overlap: 0, format: "png" };
  await replaceTileSet(db, owner, descriptor);
  const tiles = [];
  for (const { key } of expectedTiles(descriptor)) {
    const bytes = randomBytes(TILE_BYTES);
    await store.put(draftTileKey("demo", slug, 1, key), bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    tiles.push({ key, size: TILE_BYTES, sha256, media_type: "image/png" });
  }
  await insertTiles(db, owner, tiles);
  await importOverlays(db, version, plots(Math.max(1, Math.round(size / 2))));
}

async function* plots(count: number): AsyncGenerator<Overlay> {
  for (let at = 0; at < count; at += 1) {
    const [x, y] = [(at % 300) / 3, Math.floor(at / 300) / 3];
    yield {
      ...{ ref: `plot-${at}`, type: "plot", layer: null, label: { en: `Plot ${at}` }, style: null, visible: true },
      geometry: { type: "Point", coordinates: [x, y] },
      properties: { area: at },
    };
  }
}
