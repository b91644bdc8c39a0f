/** Debian's pgbouncer in transaction mode in front of a PostgreSQL: each transaction may go to another session. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import getPort from "get-port";
import { Client } from "pg";
import { startChild, untilReady } from "../../src/dev/child.ts";
import { onFreePorts } from "../../src/dev/on-free-ports.ts";
import { unprivileged } from "../../src/dev/unprivileged.ts";

export interface Pooler {
  /** As the URL that it was started with, through it. */
  url: string;
  close(): Promise<void>;
}

/** From this version on it keeps account of prepared statements, which sessions of a transaction-mode pool would lose. */
const PREPARES_SINCE = [1, 21] as const;

/** Whether a gateway can send its statements through this pgbouncer, which prepares them. */
export function preparesStatements(program: string): boolean {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  return major > PREPARES_SINCE[0] || (major === PREPARES_SINCE[0] && minor >= PREPARES_SINCE[1]);
}

/** `program`: pgbouncer's path. `to`: of a database, with user and password. Resolves when it takes connections. */
export function startPooler(program: string, to: string): Promise<Pooler> {
  return onFreePorts(() => startOnce(program, to));
}

async function startOnce(program: string, to: string): Promise<Pooler> {
  const server = new URL(to);
  const folder = await mkdtemp(join(tmpdir(), "platen-pgbouncer-"));
  // As PostgreSQL, it does not run as root.
  const user = unprivileged([folder]);
  const port = await getPort({ host: "127.0.0.1" });
  const settings = {
    ...{ listen_addr: "127.0.0.1", listen_port: port, unix_socket_dir: "", pool_mode: "transaction" },
    ...{
      auth_type: "scram-sha-256",
      auth_file: join(folder, "users.txt"),
      max_client_conn: 200,
      default_pool_size: 10,
    },
    // node-postgres sends it with each connection; a pool's sessions are nobody's, so they cannot be set one by one.
    ignore_startup_parameters: "idle_in_transaction_session_timeout",
    ...(preparesStatements(program) ? { max_prepared_statements: 200 } : {}),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const target = `host=${server.hostname} port=${server.port}`;
  const files = {
    "users.txt": `"${server.username}" "${decodeURIComponent(server.password)}"\n`,
    "pgbouncer.ini": `[databases]\n* = ${target}\n\n[pgbouncer]\n${lines.join("\n")}\n`,
  };
  await user.own(folder);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    await user.own(join(folder, name));
  }
  const child = await startChild({
    name: "pgbouncer",
    ...user.wrap(program, [join(folder, "pgbouncer.ini")]),
    ...{ log: join(folder, "pgbouncer.log"), env: {}, stopSignal: "SIGINT" },
  });
  const url = new URL(to);
  url.port = String(port);
  const close = async (): Promise<void> => {
    await child.stop(4_000);
    await rm(folder, { recursive: true });
  };
  try {
    await untilReady(child, 10_000, () => accepts(url.href));
  } catch (error) {
    await close();
    throw error;
  }
  return { url: url.href, close };
}

async function accepts(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  const connected = await client.connect().then(
    () => true,
    () => false,
  );
  await client.end().catch(() => undefined);
  return connected;
}
