/** Everything that a request could have changed, in a form that two moments can be compared by. */
import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { query, queryOne, type Database } from "../../src/db.ts";

/** Folder below the store's in which pictures are looked at. */
const SCRATCH = "scratch";

/** Rows of each table and files of the store, by digest. Without the audit trail, which has what was refused, too. */
export async function stateOf(database: Database, storeFolder: string): Promise<Record<string, string>> {
  const db = database.em.fork();
  const tables = await query<{ name: string }>(
    db,
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
       and table_name not like 'audit_%'`,
  );
  const state: Record<string, string> = {};
  for (const { name } of tables) {
    const row = await queryOne<{ digest: string }>(
      db,
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest from "${name}" t`,
    );
    state[name] = row!.digest;
  }
  for (const path of await filesIn(storeFolder)) {
    const bytes = await readFile(path).catch(ifGone);
    if (bytes) state[relative(storeFolder, path)] = createHash("sha256").update(bytes).digest("hex");
  }
  return state;
}

/** Without what a request works with while it lasts (`heldBack` tells of that), and what the stores are probed by. */
async function filesIn(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of (await readdir(folder, { withFileTypes: true }).catch(ifGone)) ?? []) {
    const path = join(folder, entry.name);
    if (entry.isFile()) paths.push(path);
    else if (entry.isDirectory() && entry.name !== "_platen" && entry.name !== SCRATCH)
      paths.push(...(await filesIn(path)));
  }
  return paths;
}

/** What was removed since the folder was listed has changed nothing. */
function ifGone(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

/** What this process still holds of requests that are over: spool files, files of the store, transactions. */
export async function heldBack(database: Database, storeFolder: string): Promise<string[]> {
  const [row] = await query<{ busy: number }>(
    database.em.fork(),
    `select count(*)::int as busy from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`,
  );
  const open = await openFiles();
  const scratch = (await readdir(join(storeFolder, SCRATCH)).catch(ifGone)) ?? [];
  const held = [
    ...open.filter((path) => path.includes("platen-overlays-") || path.startsWith(storeFolder)),
    ...scratch.map((name) => join(storeFolder, SCRATCH, name)),
  ];
  return row!.busy > 0 ? [...held, `${row!.busy} transactions`] : held;
}

/** Paths of the files that this process has open; none where the system does not tell. */
async function openFiles(): Promise<string[]> {
  const numbers = await readdir("/proc/self/fd").catch(() => []);
  return Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => "")));
}
