/** Is a service away, or did it say no? One rule for activities, which try again, and for the gateway, which answers 503. */
import { ServiceError } from "@temporalio/client";
import { AppError, reasonOf } from "./errors.ts";

/**
 * SQLSTATEs that pass by themselves: connection (08), resources (53), operator intervention (57), system (58), a transaction that
 * stood still (25P03), a server that is still a standby (25006), serialization and deadlock (40001, 40P01), a lock that was
 * not waited for any longer (55P03).
 */
const PASSING = /^(08...|53...|57...|58...|25P03|25006|40001|40P01|55P03)$/;
/** What `pg` and its pool say without a code. */
const LOST =
  /connection (terminated|ended|error)|timeout exceeded when trying to connect|Client has encountered a connection/i;
/** gRPC: deadline exceeded, resource exhausted, unavailable. */
const GRPC_AWAY = new Set([4, 8, 14]);
/** Deeper causes than this are cycles. */
const MAX_DEPTH = 8;

/** The SQLSTATE behind an error, or null when PostgreSQL did not answer with one. */
export function sqlState(error: unknown): string | null {
  for (const { code } of causes(error)) if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return code;
  return null;
}

/** `unavailable` with the service and its words, or null when the error is no outage. */
export function asOutage(error: unknown): AppError | null {
  for (const each of causes(error)) {
    const service = serviceAway(each);
    if (service) return new AppError("unavailable", { service, reason: reasonOf(each) }, { cause: error });
  }
  return null;
}

interface Coded extends Error {
  code?: unknown;
  syscall?: unknown;
}

function serviceAway(error: Coded): "PostgreSQL" | "Temporal" | null {
  const { code, syscall } = error;
  if (error instanceof ServiceError) return "Temporal";
  if (typeof code === "number") return GRPC_AWAY.has(code) ? "Temporal" : null;
  if (typeof code === "string" && PASSING.test(code)) return "PostgreSQL";
  // No other service is reached through Node's sockets: Temporal's client has its own.
  if (syscall === "connect" || syscall === "getaddrinfo") return "PostgreSQL";
  if (code === "ECONNRESET" || code === "EPIPE") return "PostgreSQL";
  return LOST.test(error.message) ? "PostgreSQL" : null;
}

/** The error, its causes, and what an AggregateError holds (one error per address of a host). */
function* causes(error: unknown, depth = 0): Generator<Coded> {
  if (!(error instanceof Error) || depth > MAX_DEPTH) return;
  if (error instanceof AggregateError) for (const each of error.errors) yield* causes(each, depth + 1);
  else yield error;
  yield* causes(error.cause, depth + 1);
}
