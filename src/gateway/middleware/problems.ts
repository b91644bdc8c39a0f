/** The one place where errors become answers: problem details (RFC 9457), `application/problem+json`. */
import type { Context, Middleware } from "koa";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { asOutage, sqlState } from "../../outage.ts";
import { encodeError } from "../sse/encode.ts";
import { answerBeforeBody } from "./unread-body.ts";

/** After which a client should try a 503 or 429 again; for the refusals that streams know, by their code. */
const DEFAULT_RETRY_MS = 2_000;
const COME_BACK_MS = new Map<string, number>([
  ["unavailable", 2_000],
  ["too_many_streams", 30_000],
]);

export function answerProblems(log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      // The client left, and what worked for it was told to stop: nobody is there to answer.
      if (ctx.res.destroyed && (thrown as Error | null)?.name === "AbortError") return;
      const error = asAppError(thrown, ctx.state["request_id"]);
      if (error.definition.status >= 500) {
        log.error({ error: error.cause ?? error, request_id: ctx.state["request_id"], path: ctx.path }, error.message);
      }
      // The route had begun to answer: nothing can be said any more but by ending it.
      if (ctx.headerSent || ctx.respond === false) {
        ctx.res.destroy();
        return;
      }
      answer(ctx, error);
      await answerBeforeBody(ctx);
    }
  };
}

function answer(ctx: Context, error: AppError): void {
  const { status } = error.definition;
  // An EventSource gives up for good on any status but 200: let it come back by itself instead. Who asks a stream's path for no
  // type in particular is taken for one.
  const comeBackMs = COME_BACK_MS.get(error.code);
  const wanted = ctx.state["is_stream"] ? ["text/event-stream", "json"] : ["json", "text/event-stream"];
  if (comeBackMs && ctx.accepts(wanted) === "text/event-stream") {
    ctx.status = 200;
    ctx.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform" });
    // A service that is away comes back by itself; a limit is for people to know.
    ctx.body =
      error.code === "unavailable"
        ? `retry: ${comeBackMs}\n\n`
        : encodeError({ code: error.code, message: `${error.message} ${error.action}` }, comeBackMs).bytes;
    return;
  }
  ctx.status = status;
  if (status === 401) ctx.set("WWW-Authenticate", `Bearer realm="platen"`);
  if (status === 503 || status === 429) ctx.set("Retry-After", String((comeBackMs ?? DEFAULT_RETRY_MS) / 1_000));
  ctx.set("Cache-Control", "no-store");
  ctx.body = JSON.stringify(problemDetails(error, { instance: ctx.path, request_id: ctx.state["request_id"] }));
  ctx.type = "application/problem+json";
}

/** The body of a problem. `detail` says what happened and what to do, `action` what to do alone. */
export function problemDetails(
  error: AppError,
  where: { instance?: string; request_id: string },
): Record<string, unknown> {
  return {
    type: `/docs/errors#${error.code}`,
    title: error.definition.title,
    status: error.definition.status,
    detail: `${error.message} ${error.action}`,
    action: error.action,
    code: error.code,
    ...where,
    ...(error.problems.length > 0 ? { errors: error.problems } : {}),
    facts: error.facts,
  };
}

/** Names what the routes' libraries throw; anything else is a bug, and `internal`. */
export function asAppError(thrown: unknown, requestId: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const outage = asOutage(thrown);
  if (outage) return outage;
  // Class 22, data exception: a number or text that PostgreSQL cannot hold and no schema had refused.
  if (sqlState(thrown)?.startsWith("22")) {
    return new AppError("invalid_request", { count: 1, first: "a value cannot be stored" }, { cause: thrown });
  }
  const facts = { reason: "the log has the details", request_id: requestId };
  return new AppError("internal", facts, { cause: thrown });
}

const GONE = new Set([
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
  "ERR_HTTP_REQUEST_TIMEOUT",
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
]);

/** The client went away in the middle of an answer, or sent what is no HTTP (`HPE_…`): no error of ours. */
export function isClientGone(error: unknown): boolean {
  const code = String((error as { code?: unknown } | null)?.code);
  return GONE.has(code) || code.startsWith("HPE_");
}
