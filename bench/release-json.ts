/**
 * What does it cost to put a release together, against PostgreSQL's own JSON?
 *
 * Ours: the content of `release.json` as step 2 writes it: canonical, hashed and flushed, in a process of its own whose memory is
 * watched. Theirs: `psql` writing one `json_agg` of the same overlays to a file, which is neither canonical, nor hashed, nor flushed.
 */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { query, type Database } from "../src/db.ts";
import { startPostgres } from "../src/dev/postgres.ts";
import { replaceConfig } from "../src/projects/content-store.ts";
import { createVersion } from "../src/projects/create-version.ts";
import { importOverlays } from "../src/projects/import-overlays.ts";
import { createProject } from "../src/projects/project-store.ts";
import { readOverlays } from "../src/projects/read-overlays.ts";
import { insertTiles, replaceTileSet } from "../src/projects/tile-store.ts";
import type { Version } from "../src/projects/version-store.ts";
import { createStores } from "../src/storage/stores.ts";
import { ensureTenant } from "../src/tenants/tenant-store.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { besideDatabase } from "./support/database.ts";
import { psqlToFile } from "./support/psql.ts";
import { inTurns, median, summary, timed } from "./support/turns.ts";

const OVERLAYS = 100_000;
const ROUNDS = 5;
/** MB by which the process may grow, the second goal of this bench. */
const MAX_GROWN = 150;
const PROJECT = "many";

export const releaseJson: Bench = {
  name: "release-json",
  question: "How many MB of release.json a second from 100,000 overlays, against psql aggregating them to JSON?",
  unit: "MB/s",
  goal: { at_least: 0.5 },
  async run(room) {
    const postgres = await startPostgres({
      ...{ dataDir: join(room.folder, "postgres"), log: join(room.folder, "postgres.log"), durable: true },
    });
    room.onEnd(() => postgres.stop());
    const { url, database } = await besideDatabase(room, postgres.url(), "release_json");
    const store = join(room.folder, "store");
    const version = await makeDraft(room, database, store);
    const file = join(room.folder, "aggregate.json");
    const turns = await inTurns(ROUNDS, {
      ours: () => generate(room, [url, version.tenant_id, PROJECT, store]),
      theirs: () => aggregate(room, url, file),
    });
    const speeds = (rounds: Written[]): number[] => rounds.map(({ bytes, seconds }) => bytes / 1e6 / seconds);
    const [ours, theirs] = [speeds(turns.ours), speeds(turns.theirs)];
    const grown = Math.max(...turns.ours.map((each) => each.grown));
    return {
      ours: median(ours),
      theirs: median(theirs),
      details: {
        overlays: OVERLAYS,
        ours: summary(ours),
        theirs: summary(theirs),
        bytes: { ours: turns.ours[0]?.bytes, theirs: turns.theirs[0]?.bytes },
        grown_mb: { most: grown, goal: `< ${MAX_GROWN}`, met: grown < MAX_GROWN },
      },
    };
  },
};

interface Written {
  bytes: number;
  seconds: number;
}

async function generate(room: BenchRoom, args: string[]): Promise<Written & { grown: number }> {
  const script = fileURLToPath(new URL("release-json/generate.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args]);
  const found = JSON.parse(stdout) as Written & { grown: number };
  room.tell(`ours    ${(found.bytes / 1e6 / found.seconds).toFixed(1)} MB/s, ${found.grown.toFixed(0)} MB of memory`);
  return found;
}

async function aggregate(room: BenchRoom, url: string, file: string): Promise<Written> {
  const sql = `
    select json_agg(
      json_build_object('ref', ref, 'type', type, 'label', label, 'geometry', geometry, 'properties', properties)
      order by sort_order)
    from overlays where visible
    `;
  const { seconds } = await timed(() => psqlToFile({ url, sql, file }));
  const { size: bytes } = await stat(file);
  room.tell(`theirs  ${(bytes / 1e6 / seconds).toFixed(1)} MB/s`);
  return { bytes, seconds };
}

async function makeDraft(room: BenchRoom, database: Database, folder: string): Promise<Version> {
  const db = database.em.fork();
  const { id: tenant_id } = await ensureTenant(db, { slug: "bench", name: "Bench" });
  await createProject(db, { tenant_id, slug: PROJECT, name: "Many", created_by: null });
  const store = createStores({ folder }).private;
  const version = await createVersion({ db, store, tenant_id, project: PROJECT, created_by: null });
  const owner = { version_id: version.id, tenant_id };
  await replaceConfig(db, owner, { title: "Many" });
  await replaceTileSet(db, owner, { width: 1, height: 1, tile_size: 256, overlap: 0, format: "png" });
  await insertTiles(db, owner, [{ key: "0/0_0.png", size: 70, sha256: "0".repeat(64), media_type: "image/png" }]);
  room.tell(`importing ${OVERLAYS} overlays`);
  const { seconds } = await timed(() => importOverlays(db, version, readOverlays(plots(), "sequence")));
  room.tell(`imported in ${seconds.toFixed(1)} s`);
  await query(db, `vacuum analyze overlays`);
  return version;
}

/** Uneven plots of twelve corners, named in two scripts, with a few properties: 500 bytes each. */
async function* plots(): AsyncGenerator<Buffer> {
  const PER_CHUNK = 500;
  for (let first = 0; first < OVERLAYS; first += PER_CHUNK) {
    let lines = "";
    for (let at = first; at < first + PER_CHUNK; at += 1) lines += `${JSON.stringify(plot(at))}\n`;
    yield Buffer.from(lines);
  }
}

function plot(at: number) {
  const [x, y] = [55 + (at % 400) / 400, 25 + Math.floor(at / 400) / 400];
  const corner = (k: number): number[] => {
    const radius = 0.0007 + 0.0003 * Math.sin(at + k * k);
    return [Math.cos((k * Math.PI) / 6) * radius + x, Math.sin((k * Math.PI) / 6) * radius + y].map((each) =>
      Number(each.toFixed(7)),
    );
  };
  const ring = Array.from({ length: 12 }, (_, k) => corner(k));
  return {
    type: "Feature",
    geometry: { type: "Polygon", coordinates: [[...ring, ring[0]]] },
    properties: {
      ...{ ref: `plot-${at}`, type: "plot", label: { en: `Plot ${at}`, ar: `قطعة ${at}` } },
      ...{ area: Math.round(400 + (at % 977) * 3.7), status: at % 3 ? "sold" : "free", owner: `Owner ${at % 1_000}` },
    },
  };
}
