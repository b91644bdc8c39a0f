/** The gateway over HTTP, as the commands need it. */
import { setTimeout as pause } from "node:timers/promises";
import { errorOf, unreachable } from "../client/platen-error.ts";
import { answerOf } from "../client/requests.ts";
import { CliError, toCliError } from "./cli-error.ts";
import type { ServerAddress } from "./find-server.ts";

export interface RequestOptions {
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is; called once per attempt, so that a stream can be read again. */
  body?: () => NonNullable<RequestInit["body"]>;
  /**
   * How often the request is sent again when the connection fails or the server is busy or waited too long (408, 502, 503, 504); 0 by default. Only
   * for requests that can be repeated.
   */
  retries?: number;
  /** Longest wait for the answer's head in milliseconds; one minute by default, 0 for none. */
  timeout?: number;
}

export interface Server {
  readonly url: string;
  /** The answer, if it is a success. Errors: `CliError` with the server's sentences, or exit code 3. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The JSON object of the answer, which must have the member `holds`: else something else than Platen answered. */
  ask<T>(method: string, path: string, options: RequestOptions & { holds: keyof T & string }): Promise<T>;
  /** Demands success and leaves the answer unread. */
  tell(method: string, path: string, options?: RequestOptions): Promise<void>;
}

const BUSY = new Set([408, 502, 503, 504]);
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const TIMEOUT_MS = 60_000;

/** Connections are kept alive and shared. `signal` ends every request, e.g. at Ctrl-C. */
export function createServer(address: ServerAddress, signal: AbortSignal): Server {
  const send = async (method: string, path: string, options: RequestOptions): Promise<Response> => {
    const body = options.json === undefined ? options.body?.() : JSON.stringify(options.json);
    const timeout = options.timeout ?? TIMEOUT_MS;
    const late = new AbortController();
    const timer =
      timeout > 0
        ? setTimeout(() => late.abort(new Error(`no answer within ${timeout / 1_000} s`)), timeout)
        : undefined;
    try {
      return await fetch(`${address.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${address.apiKey}`,
          accept: "application/json",
          ...(options.json === undefined ? {} : { "content-type": "application/json" }),
          ...options.headers,
        },
        signal: AbortSignal.any([signal, late.signal]),
        ...(body === undefined ? {} : { body, duplex: "half" }),
      });
    } finally {
      clearTimeout(timer);
    }
  };

  const request = async (method: string, path: string, options: RequestOptions = {}): Promise<Response> => {
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= (options.retries ?? 0);
      try {
        const response = await send(method, path, options);
        if (response.ok) return response;
        if (last || !BUSY.has(response.status)) throw toCliError(await errorOf(response));
        await response.body?.cancel();
      } catch (error) {
        if (error instanceof CliError || signal.aborted) throw error;
        if (last) throw toCliError(unreachable(address.url, error));
      }
      const wait = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      // Spread, so that many requests that failed together do not come back together.
      await pause(wait * (0.5 + Math.random() / 2), undefined, { signal });
    }
  };

  return {
    url: address.url,
    request,
    async ask<T>(method: string, path: string, options: RequestOptions & { holds: keyof T & string }): Promise<T> {
      const text = await (await request(method, path, options)).text();
      try {
        return answerOf<T>({ url: address.url, asked: `${method} ${path}`, text, holds: options.holds });
      } catch (error) {
        throw toCliError(error);
      }
    },
    async tell(method, path, options) {
      // Read to its end, so that the connection can be used again.
      await (await request(method, path, options)).arrayBuffer();
    },
  };
}
