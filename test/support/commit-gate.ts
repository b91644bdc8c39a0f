/**
 * Holds a commit of the product at an exact moment, without touching the product: a deferred trigger on the ledger waits, inside
 * COMMIT, for a lock that the test holds. Once the gate is opened the server commits by itself, even if the worker that sent the
 * COMMIT is frozen or dead: so a worker can be stopped exactly behind any event of the ledger and before its next statement.
 */
import { Client } from "pg";
import { until } from "./publishing.ts";

export interface CommitGate {
  /** Resolves when a transaction waits at the gate. */
  reached(): Promise<void>;
  /** Lets it commit, and stops nobody any more; resolves when it has committed. */
  open(): Promise<void>;
  /** Local ports of the connections that wait, as their server sees them. */
  ports(): Promise<number[]>;
  /** Ends its connection instead, as a network that breaks: it is rolled back, and nobody is stopped any more. */
  abort(): Promise<void>;
}

export interface CommitGates {
  /** Stops the next transaction that writes an event of this kind for the job (or any), with `data` in it. */
  close(event: { job_id: string | null; kind: string; data: Record<string, unknown> }): Promise<CommitGate>;
  /** Resolves when a statement waits for a row of the table that it wants to change, and that another transaction has locked. */
  somebodyWaits(table: "jobs" | "publish_guards" | "versions"): Promise<void>;
  /** Locks the row of the guard that the job holds: its switch waits for it, inside its transaction. Answers how to let go. */
  lockGuard(jobId: string): Promise<() => Promise<void>>;
  end(): Promise<void>;
}

/** `url`: the test's own database. When its server dies all gates are open, and no more can be closed. */
export async function createCommitGates(url: string): Promise<CommitGates> {
  const client = new Client({ connectionString: url, application_name: "platen-gates" });
  // A server that a test stops ends it.
  client.on("error", () => undefined);
  await client.connect();
  await client.query(`
    create table gates (id int generated always as identity primary key, job_id uuid, kind text not null, data jsonb not null);
    create function wait_at_gate() returns trigger language plpgsql as $$
    declare gate int;
    begin
      select id into gate from gates where coalesce(job_id, new.job_id) = new.job_id and kind = new.kind and new.data @> gates.data limit 1;
      if gate is not null then perform pg_advisory_xact_lock_shared(gate); end if;
      return null;
    end $$;
    create constraint trigger wait_at_gate after insert on job_events
      deferrable initially deferred for each row execute function wait_at_gate();
  `);
  /** Which sessions wait at the gate, by process id. */
  const sessions = async (gate: number): Promise<number[]> => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_locks where locktype = 'advisory' and objid = $1 and mode = 'ShareLock'
         and database = (select oid from pg_database where datname = current_database())`,
      [gate],
    );
    return rows.map(({ pid }) => pid);
  };
  const waiting = async (gate: number): Promise<boolean> => (await sessions(gate)).length > 0;
  return {
    async close({ job_id, kind, data }) {
      const { rows } = await client.query<{ id: number }>(
        `insert into gates (job_id, kind, data) values ($1, $2, $3) returning id`,
        [job_id, kind, JSON.stringify(data)],
      );
      const gate = rows[0]?.id ?? 0;
      await client.query(`select pg_advisory_lock($1)`, [gate]);
      return {
        reached: () => until(`a commit of ${kind} ${JSON.stringify(data)}`, () => waiting(gate)).then(() => undefined),
        async open() {
          await client.query(`delete from gates where id = $1`, [gate]);
          await client.query(`select pg_advisory_unlock($1)`, [gate]);
          await until("the held transaction to commit", async () => !(await waiting(gate)));
        },
        async ports() {
          const sql = `select client_port from pg_stat_activity where pid = any($1::int[])`;
          const { rows } = await client.query<{ client_port: number }>(sql, [await sessions(gate)]);
          return rows.map((row) => row.client_port);
        },
        async abort() {
          await client.query(`delete from gates where id = $1`, [gate]);
          for (const pid of await sessions(gate)) await client.query(`select pg_terminate_backend($1)`, [pid]);
          await until("the held transaction to be rolled back", async () => !(await waiting(gate)));
          await client.query(`select pg_advisory_unlock($1)`, [gate]);
        },
      };
    },
    async somebodyWaits(table) {
      // Not the mirror's statement, which locks rows of jobs too, whenever it likes.
      const pattern = `select%from ${table} where%for%update`;
      await until(`a statement to wait for a row of ${table}`, async () => {
        const { rowCount } = await client.query(
          `select 1 from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and ltrim(query, E' \\n') like $1`,
          [pattern],
        );
        return (rowCount ?? 0) > 0;
      });
    },
    async lockGuard(jobId) {
      const holder = new Client({ connectionString: url });
      await holder.connect();
      await holder.query("begin");
      await holder.query(`select 1 from publish_guards where job_id = $1 for update`, [jobId]);
      return () => holder.end();
    },
    end: () => client.end().catch(() => undefined),
  };
}
