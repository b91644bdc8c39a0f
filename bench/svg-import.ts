/**
 * What does it cost to make overlays of a plan, against looking at its XML?
 *
 * Ours: a plan of 20 MB, in a thread, to the texts of its overlays as they go into the database: geometry, labels, places of labels,
 * layers. Theirs: `saxes` alone, which hands out each tag with its attributes. Each in a process of its own, cold as a worker's thread is.
 * What it takes to put the overlays into a draft is told beside it.
 */
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startPostgres } from "../src/dev/postgres.ts";
import { createVersion } from "../src/projects/create-version.ts";
import { mergeLayers, mergeOverlays } from "../src/projects/merge-overlays.ts";
import { createProject } from "../src/projects/project-store.ts";
import { editDraft } from "../src/projects/version-store.ts";
import { createStores } from "../src/storage/stores.ts";
import { planOverlays } from "../src/svg/plan-overlays.ts";
import { createPlanThreads } from "../src/svg/plan-threads.ts";
import { ensureTenant } from "../src/tenants/tenant-store.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { besideDatabase } from "./support/database.ts";
import { inTurns, median, round, summary, timed } from "./support/turns.ts";
import { writePlan } from "./svg-import/write-plan.ts";

const BYTES = 20_000_000;
const ROUNDS = 7;

export const svgImport: Bench = {
  name: "svg-import",
  question: "How long does a 20 MB plan take to become overlays, against parsing its XML with saxes alone?",
  unit: "s",
  goal: { at_most: 3 },
  async run(room) {
    const plan = join(room.folder, "plan.svg");
    const bytes = await writePlan(plan, BYTES);
    const turns = await inTurns(ROUNDS, {
      ours: () => read(room, plan, "ours"),
      theirs: () => read(room, plan, "theirs"),
    });
    const seconds = (side: Read[]): number[] => side.map((each) => each.seconds);
    const draft = await intoDraft(room, plan);
    return {
      ours: median(seconds(turns.ours)),
      theirs: median(seconds(turns.theirs)),
      details: {
        bytes,
        ...{ overlays: turns.ours[0]?.count, elements: turns.theirs[0]?.count },
        ours: { ...summary(seconds(turns.ours)), cpu: round(median(turns.ours.map(({ cpu }) => cpu))) },
        theirs: { ...summary(seconds(turns.theirs)), cpu: round(median(turns.theirs.map(({ cpu }) => cpu))) },
        into_draft_seconds: round(draft),
      },
    };
  },
};

interface Read {
  count: number;
  seconds: number;
  /** Seconds of the whole process, with its start. */
  cpu: number;
}

async function read(room: BenchRoom, plan: string, side: "ours" | "theirs"): Promise<Read> {
  const script = fileURLToPath(new URL("svg-import/read.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, plan, side]);
  const found = JSON.parse(stdout) as Read;
  room.tell(`${side.padEnd(7)} ${found.seconds.toFixed(3)} s`);
  return found;
}

/** Seconds from overlays' texts to a draft that has them all. */
async function intoDraft(room: BenchRoom, plan: string): Promise<number> {
  const postgres = await startPostgres({
    ...{ dataDir: join(room.folder, "postgres"), log: join(room.folder, "postgres.log"), durable: true },
  });
  room.onEnd(() => postgres.stop());
  const { database } = await besideDatabase(room, postgres.url(), "svg_import");
  const db = database.em.fork();
  const { id: tenant_id } = await ensureTenant(db, { slug: "bench", name: "Bench" });
  await createProject(db, { tenant_id, slug: "plan", name: "Plan", created_by: null });
  const store = createStores({ folder: join(room.folder, "store") }).private;
  const version = await createVersion({ db, store, tenant_id, project: "plan", created_by: null });
  const [input, output] = [await open(plan), await open(`${plan}.rows`, "w+")];
  const { signal } = new AbortController();
  const found = await createPlanThreads().read(
    { input: input.fd, output: output.fd, options: {} },
    { signal, told: () => undefined },
  );
  const owner = { version_id: version.id, tenant_id };
  const { seconds } = await timed(() =>
    editDraft(db, version, async (tx) => {
      await mergeLayers(tx, owner, found.layers);
      await mergeOverlays(tx, owner, planOverlays(output, found.batches, { signal }), () => undefined);
      return { changed: true };
    }),
  );
  await Promise.all([input.close(), output.close()]);
  room.tell(`into a draft: ${seconds.toFixed(1)} s`);
  return seconds;
}
