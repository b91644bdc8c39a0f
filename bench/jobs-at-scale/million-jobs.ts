/** A million jobs as an installation of some years has them: eleven tenants, all types and states, a quarter of a year. */
import { JOB_TYPES } from "../../contract/job-types.ts";
import { query, queryOne, type Database, type Db } from "../../src/db.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { rollUpAll } from "../../src/jobs/statistics/roll-up.ts";
import { createApiKey, ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";
import type { BenchRoom } from "../support/bench.ts";
import { round, timed } from "../support/turns.ts";

export const JOBS = 1_000_000;
const DAYS = 90;
const OPEN = 2_500;
/** One of so many jobs belongs to the small tenant. */
const SMALL_EVERY = 25_000;
const OTHERS = 9;
const STEPS = 5;
/** Jobs of the large tenant whose ledgers are filled: details are asked of these. */
const WITH_LEDGER = 5_000;

export interface MillionJobs {
  large: { tenant_id: string };
  /** With forty jobs, none of which is open or has failed. */
  small: { tenant_id: string; key: string };
  /** Of the large tenant: slugs. `crowded` has half of its jobs, and none that failed. */
  projects: { crowded: string; quiet: string };
  types: { common: string; rare: string };
  /** Ids of jobs with a ledger. */
  detailed: string[];
  /** A job in the middle of the large tenant's. */
  middle: { id: string; created_at: string };
  seconds: Record<string, number>;
}

export async function makeMillionJobs(room: BenchRoom, database: Database): Promise<MillionJobs> {
  const db = database.em.fork();
  const large = (await ensureTenant(db, { slug: "demo", name: "Demo" })).id;
  const small = (await ensureTenant(db, { slug: "small", name: "Small" })).id;
  const others: string[] = [];
  for (let at = 0; at < OTHERS; at += 1)
    others.push((await ensureTenant(db, { slug: `other-${at}`, name: `Other ${at}` })).id);
  const principal = (await ensurePrincipal(db, { tenant_id: small, name: "viewer" })).id;
  const { key } = await createApiKey(db, { tenant_id: small, principal_id: principal, role: "viewer" });
  const projects = { crowded: "crowded", quiet: "quiet" };
  const crowded = await project(db, large, projects.crowded);
  const quiet = await project(db, large, projects.quiet);
  const rest: string[] = [];
  for (let at = 0; at < 20; at += 1) rest.push(await project(db, large, `project-${at}`));
  const names = Object.keys(JOB_TYPES);
  const types = { common: names[0] ?? "", rare: names.at(-1) ?? "" };

  room.tell(`inserting ${JOBS} jobs`);
  const inserted = await timed(() => insertJobs(db, { large, small, others, crowded, quiet, rest, names }));
  room.tell(`inserted in ${inserted.seconds.toFixed(0)} s; counting them`);
  const ledgers = await timed(() => insertLedgers(db, large));
  await query(
    db,
    `
    insert into job_endings (job_id, generation, tenant_id, job_type, status, error_code, queued_at, started_at, ended_at, size, steps)
    select id, generation, tenant_id, job_type, status, error_code, created_at, started_at, completed_at, size, steps
    from jobs where completed_at is not null
    `,
  );
  const counted = await timed(() => rollUpAll(database));
  room.tell(`${counted.result} endings counted in ${counted.seconds.toFixed(0)} s`);
  await query(db, `vacuum analyze`);
  const middle = await queryOne<{ id: string; created_at: string }>(
    db,
    `select id, created_at from jobs where tenant_id = $1 order by created_at desc, id desc offset 300000 limit 1`,
    [large],
  );
  if (!middle) throw new Error("the large tenant has too few jobs");
  return {
    ...{ large: { tenant_id: large }, small: { tenant_id: small, key }, projects, types, middle },
    detailed: ledgers.result,
    seconds: { inserting: round(inserted.seconds), counting: round(counted.seconds), counted: counted.result },
  };
}

async function project(db: Db, tenant_id: string, slug: string): Promise<string> {
  return (await createProject(db, { tenant_id, slug, name: slug, created_by: null })).id;
}

/** Oldest first, as they came. Of each number a few digits of its hash decide what it is. */
async function insertJobs(
  db: Db,
  of: Record<"large" | "small" | "crowded" | "quiet", string> & Record<"others" | "rest" | "names", string[]>,
): Promise<void> {
  await query(
    db,
    `
    insert into jobs (id, tenant_id, job_type, status, progress, message, step, steps, payload, result, error_code, error, project_id,
      environment, created_at, updated_at, started_at, completed_at, last_activity_at, workflow_id, seq)
    select i.id, i.tenant_id, i.job_type, i.status, case when i.ended then 100 else 30 end, 'Published to ' || i.environment, 'upload',
      i.steps, jsonb_build_object('project', 'crowded', 'version', i.n, 'target_environment', i.environment),
      case when i.status = 'completed' then jsonb_build_object('release_id', 'rel_' || i.n, 'overlay_count', i.h % 1000, 'digest', md5(i.n::text)) end,
      case when i.status = 'failed' then (array['version_invalid', 'tiles_missing', 'timed_out'])[1 + i.h % 3] end,
      case when i.status = 'failed' then 'It failed.' end,
      case when i.tenant_id <> $1 then null when i.h % 2 = 0 then $4::uuid when i.n % 150000 = 1 then $5::uuid
        else ($6::uuid[])[1 + i.h % cardinality($6::uuid[])] end,
      case when i.job_type = 'publish' then i.environment end,
      i.made, i.made, case when i.status <> 'queued' then i.began end, case when i.ended then i.over end, i.began, 'publish-' || i.id, 6
    from (
      select s.*, uuidv7(s.made - now()) as id, s.status not in ('queued', 'running') as ended,
        s.made + make_interval(secs => exp((s.h % 700) / 100.0) / 10) as began,
        s.made + make_interval(secs => exp((s.h % 700) / 100.0) / 10 + exp((s.h % 997) / 140.0)) as over
      from (
        select g.n, g.h, now() - make_interval(secs => (1 - g.n / $8::float8) * $9 * 86400) as made,
          case when g.n % $10 = 0 then $2::uuid when g.h % 100 < 60 then $1::uuid else ($3::uuid[])[1 + g.h % cardinality($3::uuid[])] end as tenant_id,
          case when g.h % 10007 = 1 then ($7::text[])[cardinality($7::text[])] when g.h / 1000 % 100 < 70 then ($7::text[])[1]
            else ($7::text[])[1 + g.h / 100000 % greatest(1, cardinality($7::text[]) - 1)] end as job_type,
          case when g.n % $10 = 0 then 'completed' when g.n > $8 - $11 then case when g.h % 5 = 0 then 'running' else 'queued' end
            when g.h % 2 = 1 and g.h % 25 = 3 then 'failed' when g.h % 40 = 7 then 'cancelled' when g.h % 50 = 9 then 'partially_completed'
            else 'completed' end as status,
          case when g.h % 9973 = 5 then 'dev' when g.h % 10 < 3 then 'staging' else 'production' end as environment,
          (select jsonb_agg(jsonb_build_object('name', 'step_' || k, 'label', 'Step number ' || k, 'status', 'done',
             'started_at', '2026-11-26T10:00:00.000Z', 'finished_at', '2026-11-26T10:00:01.500Z')) from generate_series(1, $12::int) k) as steps
        from (select n, abs(hashint8(n)::bigint) as h from generate_series(1, $8::int) n) g
      ) s
    ) i
    `,
    [of.large, of.small, of.others, of.crowded, of.quiet, of.rest, of.names, JOBS, DAYS, SMALL_EVERY, OPEN, STEPS],
  );
}

async function insertLedgers(db: Db, tenant_id: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    `
    with picked as (
      select id, tenant_id from jobs where tenant_id = $1 order by id offset 100000 limit $2
    ), told as (
      insert into job_events (job_id, seq, tenant_id, kind, data)
      select id, seq, tenant_id, 'log', jsonb_build_object('level', 'info', 'message', 'What happened in event ' || seq, 'step', 'upload')
      from picked, generate_series(1, 6) seq
    )
    select id from picked
    `,
    [tenant_id, WITH_LEDGER],
  );
  return rows.map(({ id }) => id);
}
