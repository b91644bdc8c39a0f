/**
 * Uploads that payloads name. They are looked for when a job is accepted, and stay from then on for as long as it may wait and work: their own
 * days may be over while it stands in line. Where in a payload they are named, the table of job types says.
 */
import { runSecondsOf } from "../../contract/job-start.ts";
import { definitionOf, type JobType } from "../../contract/job-types.ts";
import type { Problem } from "../../contract/problem.ts";
import { keepNamed } from "../artifacts/artifact-store.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";

/** So long a job may wait for its workflow to be started, while Temporal is away, and may be retried after its time was up. */
const SPARE_SECONDS = 86_400;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface Naming {
  type: JobType;
  payload: Record<string, unknown>;
  /** JSON pointer of the payload in the request. */
  at: string;
}

/**
 * Keeps what is named, and answers a problem for each that there is not. `wait`: seconds that pass before their jobs are begun. In the
 * transaction that makes them, or before it.
 */
export async function keepNamedUploads(
  db: Db,
  { tenant_id, jobs, wait = 0 }: { tenant_id: string; jobs: readonly Naming[]; wait?: number },
): Promise<Problem[]> {
  const named = jobs.flatMap(namedIn);
  if (named.length === 0) return [];
  const ids = [...new Set(named.map(({ id }) => id.toLowerCase()))].filter((id) => UUID.test(id));
  const seconds = wait + SPARE_SECONDS + Math.max(...named.map(({ type }) => runSecondsOf(type)));
  const kept = await keepNamed(db, { tenant_id, ids, seconds });
  return named.flatMap(({ id, path }) => {
    if (kept.has(id.toLowerCase())) return [];
    const { code, message, action } = new AppError("upload_not_found", { id: id.slice(0, MAX_ID) });
    return [{ code, path, message: `${message} ${action}`, value: id.slice(0, MAX_ID) }];
  });
}

/** Of what was given for an id. */
const MAX_ID = 100;
/** Told one by one, as of any request. */
const MAX_PROBLEMS = 100;

/** Error: invalid_request, with the place of each upload that there is not. */
export async function demandUploads(db: Db, tenant_id: string, job: Naming): Promise<void> {
  const missing = await keepNamedUploads(db, { tenant_id, jobs: [job] });
  const problems = missing.map((each) => ({ ...each, in: "body" }));
  const [first] = problems;
  if (!first) return;
  const facts = { count: problems.length, first: `${first.path.slice(1)} in the body: ${first.message}` };
  throw new AppError("invalid_request", facts, { problems: problems.slice(0, MAX_PROBLEMS) });
}

interface Named {
  type: JobType;
  path: string;
  id: string;
}

const namedIn = ({ type, payload, at }: Naming): Named[] =>
  definitionOf(type).uploads.flatMap((pointer) =>
    textsAt(payload, pointer.split("/").slice(1), at).map((found) => ({ type, ...found })),
  );

function textsAt(value: unknown, [key, ...rest]: readonly string[], path: string): Omit<Named, "type">[] {
  if (key === undefined) return typeof value === "string" ? [{ path, id: value }] : [];
  if (typeof value !== "object" || value === null) return [];
  const keys = key === "*" ? Object.keys(value) : Object.hasOwn(value, key) ? [key] : [];
  return keys.flatMap((each) => textsAt((value as Record<string, unknown>)[each], rest, `${path}/${each}`));
}
