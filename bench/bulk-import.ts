/**
 * What does an import cost beside bringing the rows into PostgreSQL?
 *
 * Ours: from POST /jobs to the end of the job's stream, as a client sees it, with the file uploaded before: every row is read, checked,
 * staged where a kill does not reach it, judged against the draft, and applied in one transaction.
 * Theirs: `psql` with `\copy` of the same file into a temporary table and one upsert of the same overlays, which checks nothing.
 * Each round sets other values in all overlays.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { query, type Database } from "../src/db.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { openDatabase } from "./support/database.ts";
import { readMemory, resetPeak } from "./support/memory.ts";
import { psqlScript } from "./support/psql.ts";
import { publishClient, stepSeconds } from "./support/publish-over-http.ts";
import { startStack, type BenchStack } from "./support/stack.ts";
import { inTurns, median, summary, timed } from "./support/turns.ts";

const ROWS = 100_000;
const ROUNDS = 5;
const [OURS, THEIRS] = ["rows-ours", "rows-theirs"];

interface Imported {
  seconds: number;
  steps: Record<string, number>;
  /** Of the worker, MB. */
  peak: number;
}

export const bulkImport: Bench = {
  name: "bulk-import",
  question: "How long does an import of 100,000 rows take, against psql's \\copy to a temporary table plus one upsert?",
  unit: "s",
  goal: { at_most: 3 },
  async run(room) {
    const stack = await startStack(room);
    const { database } = await openDatabase(room, stack.database);
    for (const project of [OURS, THEIRS]) await makeDraft(room, stack, project);
    const idle = await readMemory(stack.worker_pid);
    const turns = await inTurns(ROUNDS, {
      ours: (at) => importRows(room, stack, database, at),
      theirs: (at) => upsertRows(room, stack, database, at),
    });
    const seconds = turns.ours.map((each) => each.seconds);
    return {
      ours: median(seconds),
      theirs: median(turns.theirs),
      details: {
        rows: ROWS,
        ours: { ...summary(seconds), steps: turns.ours.map(({ steps }) => steps) },
        theirs: summary(turns.theirs),
        worker_rss_mb: { idle: idle.rss, most: Math.max(...turns.ours.map(({ peak }) => peak)) },
      },
    };
  },
};

const csvOf = (round: number): string => {
  const lines = ["ref,label_en,label_ar,area,owner,status"];
  for (let at = 0; at < ROWS; at += 1)
    lines.push(
      `plot-${at},Plot ${at} of ${round},قطعة ${at},${400 + ((at * 7 + round) % 977)},Owner ${at % 1_000},${at % 3 ? "sold" : "free"}`,
    );
  return `${lines.join("\n")}\n`;
};

async function importRows(room: BenchRoom, stack: BenchStack, database: Database, round: number): Promise<Imported> {
  const headers = { authorization: `Bearer ${stack.api_keys.admin}` };
  const ask = async (path: string, type: string, body: string): Promise<{ id: string }> => {
    const answer = await fetch(`${stack.gateway}${path}`, {
      method: "POST",
      headers: { ...headers, "content-type": type },
      body,
    });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const { id: artifact } = await ask("/uploads?name=rows.csv", "application/octet-stream", csvOf(round));
  const payload = { project: OURS, version: 1, source: { artifact } };
  await settle(database);
  await resetPeak(stack.worker_pid);
  const client = publishClient(stack);
  const { seconds, result: job } = await timed(async () => {
    const { id } = await ask("/jobs", "application/json", JSON.stringify({ type: "bulk_import", payload }));
    await client.follow(id);
    return id;
  });
  const { peak } = await readMemory(stack.worker_pid);
  const steps = stepSeconds(await client.read(job));
  room.tell(`ours    ${seconds.toFixed(2)} s, worker at most ${peak} MB, ${JSON.stringify(steps)}`);
  return { seconds, steps, peak };
}

async function upsertRows(room: BenchRoom, stack: BenchStack, database: Database, round: number): Promise<number> {
  const file = join(room.folder, `rows-${round}.csv`);
  await writeFile(file, csvOf(round));
  await settle(database);
  const script = `
    begin;
    create temporary table incoming (ref text, label_en text, label_ar text, area numeric, owner text, status text) on commit drop;
    \\copy incoming from '${file}' with (format csv, header true)
    update overlays o set label = o.label || jsonb_build_object('en', i.label_en, 'ar', i.label_ar),
      properties = o.properties || jsonb_build_object('area', i.area, 'owner', i.owner, 'status', i.status)
    from incoming i, versions v join projects p on p.id = v.project_id
    where p.slug = '${THEIRS}' and o.version_id = v.id and o.ref = i.ref;
    commit;
  `;
  const { seconds } = await timed(() => psqlScript(stack.database, script));
  room.tell(`theirs  ${seconds.toFixed(2)} s`);
  return seconds;
}

/** What a round leaves behind must not be the next one's to clean up. */
const settle = async (database: Database): Promise<void> => {
  await query(database.em.fork(), `vacuum analyze overlays`);
  await query(database.em.fork(), `checkpoint`);
};

async function makeDraft(room: BenchRoom, stack: BenchStack, project: string): Promise<void> {
  const headers = { authorization: `Bearer ${stack.api_keys.admin}` };
  const send = async (method: string, path: string, type: string, body: string): Promise<void> => {
    const answer = await fetch(`${stack.gateway}${path}`, {
      method,
      headers: { ...headers, "content-type": type },
      body,
    });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
    await answer.body?.cancel();
  };
  await send("POST", "/projects", "application/json", JSON.stringify({ slug: project, name: project }));
  await send("POST", `/projects/${project}/versions`, "application/json", "{}");
  const lines = Array.from({ length: ROWS }, (_, at) => {
    const [x, y] = [at % 400, Math.floor(at / 400)];
    const ring = [
      [x, y],
      [x + 0.9, y],
      [x + 0.9, y + 0.9],
      [x, y + 0.9],
      [x, y],
    ];
    const properties = { ref: `plot-${at}`, type: "plot", label: { en: `Plot ${at}` } };
    return JSON.stringify({ type: "Feature", geometry: { type: "Polygon", coordinates: [ring] }, properties });
  });
  room.tell(`importing ${ROWS} overlays into ${project}`);
  await send("PUT", `/projects/${project}/versions/1/overlays`, "application/x-ndjson", `${lines.join("\n")}\n`);
}
