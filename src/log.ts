/** Structured logs (JSON lines on stderr), one logger per process. */
import { pino, type DestinationStream, type Logger } from "pino";
import { masked, reasonOf } from "./errors.ts";

export type Log = Logger;

/**
 * `level`: trace, debug, info, warn, error, fatal or silent. Values under keys that hold secrets are masked. `destination`:
 * stderr by default.
 */
export function createLog(name: string, level: string, destination: DestinationStream = pino.destination(2)): Log {
  return pino(
    {
      name,
      level,
      redact: { paths: ["api_key", "*.api_key", "authorization", "*.authorization"], censor: "***" },
      // Pino knows `err` only, and would write every member of an error: a parser's hold the request with its key.
      serializers: {
        error: (thrown: unknown) => describeError(thrown),
        err: (thrown: unknown) => describeError(thrown),
      },
    },
    destination,
  );
}

interface DescribedError {
  type: string;
  message: string;
  code?: string | number;
  stack?: string;
  cause?: DescribedError;
  /** What an AggregateError holds. */
  errors?: DescribedError[];
}

/** Deeper causes than this are cycles. */
const MAX_CAUSES = 8;
/** Errors of one AggregateError: one per address of a host. */
const MAX_ERRORS = 8;

/** What a log may hold of an error: these members and no other. */
function describeError(thrown: unknown, depth = 0): DescribedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: reasonOf(thrown) };
  const { code } = thrown as { code?: unknown };
  const deeper = depth < MAX_CAUSES;
  return {
    type: thrown.name,
    message: reasonOf(thrown),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(thrown.stack ? { stack: masked(thrown.stack) } : {}),
    ...(deeper && thrown.cause !== undefined ? { cause: describeError(thrown.cause, depth + 1) } : {}),
    ...(deeper && thrown instanceof AggregateError
      ? { errors: thrown.errors.slice(0, MAX_ERRORS).map((each) => describeError(each, depth + 1)) }
      : {}),
  };
}
