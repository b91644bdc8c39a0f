/**
 * `Idempotency-Key`: a repeat of a request is answered as it was the first time. The key is bound in the transaction that does what was
 * asked for, so a request that was refused does not use it up; and it is looked up before that, so a repeat is never a conflict.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import * as store from "./idempotency-store.ts";

/** What a route found in the header. */
export interface Idempotency {
  key: string;
  /** The same key on another route is another key. */
  route: string;
}

/** One request under its key. */
export interface KeyedRequest {
  by: { tenant_id: string; id: string };
  idempotency?: Idempotency;
  /** What is asked for: the same key with another one is refused. */
  asked: Record<string, unknown>;
}

/** How long a repeat of a request is recognised. */
const REMEMBERED_HOURS = 24;
/** Expired keys deleted with each new one. */
const FORGOTTEN_AT_A_TIME = 20;

/** Thrown by `remember`, so that the transaction rolls back: another request with the same key won. `recall` tells what it did. */
export class KeyTaken extends Error {}

/** What the same request did before, or null. Error: idempotency_key_reused. */
export async function recall(db: Db, request: KeyedRequest): Promise<store.RememberedRequest | null> {
  if (!request.idempotency) return null;
  const found = await store.findRemembered(db, keyOf(request.by, request.idempotency));
  if (found && found.body_hash !== hashOf(request.asked)) {
    throw new AppError("idempotency_key_reused", { key: request.idempotency.key, job: found.job_id });
  }
  return found;
}

/** Binds the request's key, if it has one, to what is being done. Error: `KeyTaken`. */
export async function remember(
  tx: Db,
  request: KeyedRequest,
  done: { job_id: string; generation: number },
): Promise<void> {
  if (!request.idempotency) return;
  const entry = { body_hash: hashOf(request.asked), ...done };
  if (!(await store.rememberRequest(tx, keyOf(request.by, request.idempotency), entry, REMEMBERED_HOURS)))
    throw new KeyTaken();
  await store.forgetExpired(tx, FORGOTTEN_AT_A_TIME);
}

/**
 * Of a request about many jobs: what it chooses, or what it chose the first time, which is written before anything is done to it. So a
 * repeat sees to the same jobs, also where the first time has died in the middle. Error: idempotency_key_reused.
 */
export async function chooseOnce<Chosen>(
  db: Db,
  request: KeyedRequest,
  choose: () => Promise<Chosen>,
): Promise<Chosen> {
  const { idempotency, by } = request;
  if (!idempotency) return choose();
  const key = keyOf(by, idempotency);
  const body_hash = hashOf(request.asked);
  const before = async (): Promise<{ chosen: Chosen } | null> => {
    const found = await store.findChoice(db, key);
    if (found && found.body_hash !== body_hash) throw new AppError("idempotency_key_reused", { key: idempotency.key });
    return found as { chosen: Chosen } | null;
  };
  const known = await before();
  if (known) return known.chosen;
  const chosen = await choose();
  if (await store.rememberChoice(db, key, { body_hash, chosen }, REMEMBERED_HOURS)) {
    await store.forgetExpired(db, FORGOTTEN_AT_A_TIME);
    return chosen;
  }
  // The same request has chosen meanwhile, by another connection.
  const winner = await before();
  if (!winner) throw new KeyTaken();
  return winner.chosen;
}

const keyOf = (by: KeyedRequest["by"], { key, route }: Idempotency): store.IdempotencyKey => ({
  ...{ tenant_id: by.tenant_id, principal_id: by.id, route, key },
});

/** SHA-256 of what is asked for, however its JSON was written. */
function hashOf(asked: Record<string, unknown>): string {
  return createHash("sha256")
    .update(canonicalize(asked) ?? "")
    .digest("hex");
}
