/** What a request failed with: the server's refusal, or the reason why there was none. */
import type { Problem } from "../../contract/problem.ts";

/** The parts of the server's problem details (RFC 9457) that the client tells. */
interface ProblemDetails {
  title: string;
  code?: string;
  detail?: string;
  action?: string;
  errors?: Problem[];
}

export class PlatenError extends Error {
  override readonly name = "PlatenError";
  /**
   * The server's code (docs/errors.md), or one of the client's own: `unreachable` (no connection, or it broke), `timed_out` (nothing
   * came in time), `not_platen` (something else answered), `frame_too_long` (more than the client takes in at once), `connection_invalid`
   * (the URL or the key cannot be one).
   */
  readonly code: string;
  /** HTTP's; 0 when no answer came. */
  readonly status: number;
  /** What to do, in one sentence; empty if the server did not say. */
  readonly action: string;
  /** The single problems, where there can be many. */
  readonly problems: readonly Problem[];
  /** Milliseconds that the server asks to be left alone for; null if it does not. */
  readonly retryAfterMs: number | null;

  constructor(
    code: string,
    message: string,
    more: {
      status?: number;
      action?: string;
      problems?: Problem[];
      retryAfterMs?: number | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.status = more.status ?? 0;
    this.action = more.action ?? "";
    this.problems = more.problems ?? [];
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/**
 * May the same request succeed later? Refusals (400, 401, 403, 404, …) and frames that are too long may not; 408, 425, 429, 5xx and lost
 * connections may.
 */
export function isPassing(error: unknown): error is PlatenError {
  if (!(error instanceof PlatenError) || error.code === "frame_too_long") return false;
  return error.status < 400 || error.status >= 500 || [408, 425, 429].includes(error.status);
}

/** The error of an answer that is no success; reads its body. */
export async function errorOf(response: Response): Promise<PlatenError> {
  const text = await response.text();
  const more = { status: response.status, retryAfterMs: retryAfterOf(response) };
  try {
    const {
      title,
      code = `http_${response.status}`,
      detail = title,
      action = "",
      errors,
    } = JSON.parse(text) as ProblemDetails;
    // `detail` ends with what `action` says alone.
    const message = action !== "" && detail.endsWith(action) ? detail.slice(0, -action.length).trimEnd() : detail;
    if (typeof title === "string") return new PlatenError(code, message, { ...more, action, problems: errors ?? [] });
  } catch {
    // No JSON: something else than Platen answers, told below.
  }
  return notPlaten(response.url, `it answered with status ${response.status} and no problem details`, more);
}

/** `what`: what the answer was, or lacked. */
export function notPlaten(
  url: string,
  what: string,
  more: { status?: number; retryAfterMs?: number | null } = {},
): PlatenError {
  return new PlatenError("not_platen", `${url} does not behave like a Platen gateway: ${what}.`, {
    ...more,
    action: "Check the address; a proxy in between may have answered.",
  });
}

/** `fetch` says "fetch failed" or "terminated" and hides the reason in `cause`. */
export function unreachable(url: string, thrown: unknown): PlatenError {
  const inner = thrown instanceof Error && thrown.cause ? thrown.cause : thrown;
  const first: unknown = inner instanceof AggregateError ? inner.errors[0] : inner;
  const reason = first instanceof Error ? first.message || first.name : String(first);
  return new PlatenError("unreachable", `${url} cannot be reached: ${reason}.`, {
    action: "Check the address and the network.",
    cause: thrown,
  });
}

/** A longer wait than this is no wait but a refusal; timers have a limit, too. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** `Retry-After` in seconds or as a date, in milliseconds from now; null if it is neither. */
function retryAfterOf(response: Response): number | null {
  const value = response.headers.get("retry-after");
  if (value === null) return null;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms));
}
