/**
 * The only reader of `process.env` (but for the bootstrap, which runs before TypeScript can).
 * Every variable here is a line of .env.example and no other (tested).
 */
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { QUEUES } from "../contract/job-type-definition.ts";

const url = z.string().regex(/^https?:\/\//, "must be an http(s) URL");
const count = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

const LIMIT = "(?:[1-9]\\d{0,2}|1000)";
const FOR_ONE = `(?:(?:${QUEUES.join("|")})=)?${LIMIT}`;
const CONCURRENCY = new RegExp(`^${FOR_ONE}(?:,${FOR_ONE})*$`);
const isBlock = (text: string): boolean => ipaddr.isValidCIDR(text);

const schema = z.object({
  /** PostgreSQL of gateway and worker. */
  PLATEN_DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, "must be a postgresql:// URL"),
  /** The same for LISTEN, where PLATEN_DATABASE_URL leads through a pooler in transaction mode; else it is the same. */
  PLATEN_LISTEN_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must be a postgresql:// URL")
    .optional(),
  /** host:port of Temporal's frontend. */
  PLATEN_TEMPORAL_ADDRESS: z.string().default("127.0.0.1:7233"),
  PLATEN_TEMPORAL_NAMESPACE: z.string().default("default"),
  /** Where operators find the Temporal Web UI; links in jobs lead there. */
  PLATEN_TEMPORAL_UI_URL: url.default("http://127.0.0.1:8233"),
  /** Folder of the object store; holds `private/` and `public/`. */
  PLATEN_STORE_FOLDER: z.string().default(".platen/store"),
  PLATEN_GATEWAY_HOST: z.string().default("127.0.0.1"),
  PLATEN_GATEWAY_PORT: count(8080, 0, 65535),
  /** Proxies of yours in front of the gateway, each of which appends to X-Forwarded-For: whose word the audit trail takes for who sent a request. */
  PLATEN_TRUSTED_PROXIES: count(0, 0, 10),
  /** How clients reach the gateway; links in answers begin with it. */
  PLATEN_PUBLIC_URL: url.default("http://127.0.0.1:8080"),
  PLATEN_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Connections to PostgreSQL per process. */
  PLATEN_DATABASE_POOL: count(20, 2, 200),
  /** Activities that one worker runs at a time: of each queue, `20`, of some, `render=2,documents=4`, or both; else temporal-config/queues.json. */
  PLATEN_WORKER_CONCURRENCY: z
    .string()
    .regex(CONCURRENCY, `must be numbers from 1 to 1000: 20, or by queue (${QUEUES.join(", ")}): render=2,documents=4`)
    .optional(),
  /** Task queues that one worker serves, separated by commas; all of them by default. */
  PLATEN_WORKER_QUEUES: z
    .string()
    .transform((text) => text.split(",").map((name) => name.trim()))
    .pipe(z.array(z.enum(QUEUES)))
    .optional(),
  /** Task queue prefix, so that several installations can share a namespace; empty for none. */
  PLATEN_TASK_QUEUE_PREFIX: z
    .string()
    .regex(/^[\w.-]*$/, "may hold letters, digits, _ . -")
    .default(""),
  /** Milliseconds between two batches of progress from a worker to PostgreSQL. */
  PLATEN_MIRROR_TICK_MS: count(100, 10, 10_000),
  /** Milliseconds between two rounds of the reconciler; 0 turns it off. */
  PLATEN_RECONCILE_MS: count(1_000, 0, 600_000),
  /** Seconds that a cancelled job may take to stop; then it is terminated in Temporal. */
  PLATEN_CANCEL_DEADLINE_SECONDS: count(60, 5, 86_400),
  /** Days after its end for which a job without a time of its own is kept; 0 for ever. Those that made something live always are. */
  PLATEN_KEEP_JOBS_DAYS: count(0, 0, 36_500),
  /** Days after its end for which a job's steps and log entries are kept; 0 for ever. */
  PLATEN_KEEP_LOGS_DAYS: count(0, 0, 36_500),
  /** Hours for which objects that nothing refers to are left alone; longer than any upload takes. */
  PLATEN_ORPHAN_GRACE_HOURS: count(168, 0, 8_760),
  /** What the worker calls its build in Temporal; by default the version and a digest of the code. */
  PLATEN_BUILD_ID: z
    .string()
    .regex(/^[\w.+-]{1,200}$/, "may hold letters, digits, _ . + -")
    .optional(),
  /** Where Prometheus finds `/metrics`; 0 for nowhere. Not the gateway's own port: the metrics count the jobs of all tenants. */
  PLATEN_METRICS_PORT: count(0, 0, 65_535),
  PLATEN_METRICS_HOST: z.string().default("127.0.0.1"),
  /** Largest JSON body in bytes; streams of overlays and tiles have limits of their own. */
  PLATEN_MAX_JSON_BYTES: count(1_048_576, 1_024, 104_857_600),
  PLATEN_MAX_OVERLAYS_BYTES: count(1_073_741_824, 1_024, 10_737_418_240),
  PLATEN_MAX_TILE_BYTES: count(16_777_216, 1_024, 1_073_741_824),
  /** Largest source picture in bytes, and in pixels; an 8-bit RGB pixel takes three bytes when it is read. */
  PLATEN_MAX_PICTURE_BYTES: count(1_073_741_824, 1_024, 17_179_869_184),
  PLATEN_MAX_PICTURE_PIXELS: count(1_000_000_000, 1, 1_000_000_000_000),
  /** Seconds and MB of memory that the process may take which reads a source picture; then it is killed. */
  PLATEN_PICTURE_SECONDS: count(900, 1, 86_400),
  PLATEN_PICTURE_MEMORY_MB: count(2_048, 128, 1_048_576),
  /** Folder for pictures and tiles while they are worked on; by default `scratch` in the store's folder. */
  PLATEN_SCRATCH_FOLDER: z.string().optional(),
  /** Largest upload, and largest file behind a URL, in bytes. */
  PLATEN_MAX_UPLOAD_BYTES: count(1_073_741_824, 1_024, 107_374_182_400),
  /** Days after which an upload goes that nothing has used. */
  PLATEN_UPLOAD_DAYS: count(7, 1, 3_650),
  /** Addresses inside the network that files may be fetched from, as CIDR blocks separated by commas; none by default. */
  PLATEN_FETCH_ALLOW: z
    .string()
    .default("")
    .transform((text) => text.split(",").flatMap((block) => block.trim() || []))
    .pipe(z.array(z.string().refine(isBlock, "must be CIDR blocks, e.g. 127.0.0.0/8,fd00::/8"))),
  /** Longest pause of a file that is fetched, in seconds; and what it may take in all. */
  PLATEN_FETCH_IDLE_SECONDS: count(30, 1, 3_600),
  PLATEN_FETCH_SECONDS: count(3_600, 1, 86_400),
  /** Bytes of bodies that a gateway holds at a time, of all requests together; further ones wait. */
  PLATEN_MAX_HELD_BYTES: count(268_435_456, 1_048_576, 17_179_869_184),
  /** Longest pause of a body in seconds; and what it may take in all besides a second for each KiB. */
  PLATEN_BODY_SECONDS: count(30, 1, 3_600),
  /** Seconds between two `ping` events on a stream. */
  PLATEN_PING_SECONDS: count(30, 1, 3_600),
  /** Longest life of a stream in seconds; each ends at a random moment between two thirds of it and all of it. */
  PLATEN_STREAM_MAX_SECONDS: count(900, 1, 86_400),
  /** Streams and subscriptions that a gateway serves at a time; each costs 13 KB. */
  PLATEN_MAX_STREAMS: count(20_000, 1, 1_000_000),
  /** Of them those of one principal, whatever its keys. */
  PLATEN_MAX_STREAMS_PER_PRINCIPAL: count(10_000, 1, 1_000_000),
  /** Jobs that one WebSocket may subscribe to at a time. */
  PLATEN_MAX_SUBSCRIPTIONS: count(1_000, 1, 100_000),
  /** What signs download links, separated by commas: the first signs, all are accepted. By default each gateway makes its own. */
  PLATEN_SIGNING_SECRETS: z
    .string()
    .transform((text) => text.split(",").map((secret) => secret.trim()))
    .pipe(z.array(z.string().min(32, "each secret must have at least 32 characters")))
    .optional(),
  /** Seconds that a download link opens. */
  PLATEN_DOWNLOAD_SECONDS: count(3_600, 1, 604_800),
});

/** The settings of one process, frozen. */
export type Config = Readonly<z.infer<typeof schema>>;

export const CONFIG_VARIABLES = Object.keys(schema.shape);

/** Reads all settings; one error names every wrong or missing one. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(CONFIG_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
  throw new Error(
    `The configuration has ${lines.length} problem(s); .env.example describes each variable:\n${lines.join("\n")}`,
  );
}

/** The environment of a child process: ours, with these settings of its own. */
export function configEnvironment(settings: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...settings };
}

/** Where `platen replay` and `platen gate` find Temporal without the gateway, if it is named. */
export function readTemporalConfig(env: NodeJS.ProcessEnv = process.env): {
  address: string | undefined;
  namespace: string | undefined;
} {
  return { address: env["PLATEN_TEMPORAL_ADDRESS"], namespace: env["PLATEN_TEMPORAL_NAMESPACE"] };
}

/** What the CLI reads: the server and key to use when no flag and no running stack names them. */
export const CLIENT_VARIABLES = ["PLATEN_SERVER", "PLATEN_API_KEY"] as const;

export function readClientConfig(env: NodeJS.ProcessEnv = process.env): {
  server: string | undefined;
  apiKey: string | undefined;
} {
  return { server: env["PLATEN_SERVER"], apiKey: env["PLATEN_API_KEY"] };
}
