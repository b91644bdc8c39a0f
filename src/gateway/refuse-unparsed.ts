/**
 * Requests that never reach the application: what is no HTTP, headers that are too long or too slow, an Expect that nobody
 * knows. Node would answer them with a bare status line; here they get problem details like all others.
 */
import { randomUUID } from "node:crypto";
import { maxHeaderSize, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AppError, reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { isTaken } from "./sse/take-over.ts";
import { problemDetails } from "./middleware/problems.ts";

/** How long a client may take to read its refusal: closing at once, with bytes of it unread, would reset the connection. */
const LINGER_MS = 1_000;

export function refuseUnparsed(server: Server, log: Log): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  const refused = new WeakSet<Duplex>();
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    answers.set(socket, response);
    // A stream's connection outlives its response by hours.
    response.once("close", () => answers.get(socket) === response && answers.delete(socket));
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // Each further packet of what cannot be read says so again.
    if (refused.has(socket)) return;
    if (isTaken(socket)) return void socket.destroy();
    const begun = answers.get(socket);
    // Nobody is there to read it, or it would come into the middle of an answer.
    if (error.code === "ECONNRESET" || !socket.writable || (begun?.headersSent && !begun.writableFinished)) {
      socket.destroy();
      return;
    }
    refused.add(socket);
    refuseOnSocket(socket, asRefusal(error, server), log);
  });

  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    if (isTaken(request.socket)) return void request.socket.destroy();
    const error = new AppError("expectation_failed", { expect: String(request.headers.expect).slice(0, 100) });
    const { status, headers, body } = printed(error, log);
    response.writeHead(status, headers).end(body);
  });
}

/** Answers with a problem where there is no response object, and closes. */
export function refuseOnSocket(socket: Duplex, error: AppError, log: Log): void {
  const { head, body } = printed(error, log);
  socket.end(`${head}${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function asRefusal(error: NodeJS.ErrnoException, server: Server): AppError {
  if (error.code === "HPE_HEADER_OVERFLOW") return new AppError("headers_too_large", { limit: maxHeaderSize });
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new AppError("request_timeout", { seconds: server.headersTimeout / 1_000 });
  return new AppError("malformed_request", { reason: reasonOf(error).replace(/^Parse Error: /, "") });
}

function printed(
  error: AppError,
  log: Log,
): { status: number; headers: Record<string, string>; head: string; body: string } {
  const request_id = randomUUID();
  log.info({ request_id, code: error.code }, error.message);
  const { status } = error.definition;
  const body = JSON.stringify(problemDetails(error, { request_id }));
  const headers = {
    "Content-Type": "application/problem+json",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Request-Id": request_id,
    ...(status === 401 ? { "WWW-Authenticate": `Bearer realm="platen"` } : {}),
    Connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return { status, headers, head: `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n`, body };
}
