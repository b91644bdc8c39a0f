/** Requests to the gateway with the key, in any runtime that has `fetch`. */
import { checkConnection, type Connection } from "./connection.ts";
import { errorOf, notPlaten, PlatenError, unreachable } from "./platen-error.ts";
import { createTimeLimit } from "./time-limit.ts";

export interface RequestOptions {
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Aborting it ends the request, and the reading of its answer. */
  signal?: AbortSignal;
}

export interface Requests {
  readonly url: string;
  /** The answer, if it is a success; its body is unread. Errors: `PlatenError`, or the signal's reason. */
  send(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The JSON object of the answer, which must have the member `holds`. A server that sends nothing for 30 s is given up. */
  ask<T>(method: string, path: string, options: RequestOptions & { holds: keyof T & string }): Promise<T>;
}

const SILENT_MS = 30_000;

/** Errors: `connection_invalid`. */
export function createRequests(connection: Connection): Requests {
  checkConnection(connection);
  const url = connection.url.replace(/\/+$/, "");
  // A browser's `fetch` refuses to be called as anything else's method.
  const request = connection.fetch ?? ((...input: Parameters<typeof fetch>) => fetch(...input));

  async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const { json, signal } = options;
    try {
      const response = await request(`${url}${path}`, {
        method,
        // Nothing that is live may come out of a cache.
        cache: "no-store",
        headers: {
          authorization: `Bearer ${connection.apiKey}`,
          accept: "application/json",
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...options.headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(signal ? { signal } : {}),
      });
      if (response.ok) return response;
      throw await errorOf(response);
    } catch (error) {
      throw asFailure(error, url, signal);
    }
  }

  return {
    url,
    send,
    async ask<T>(method: string, path: string, options: RequestOptions & { holds: keyof T & string }) {
      const { holds, signal: outer, ...request } = options;
      const limit = createTimeLimit(outer);
      const awaitMore = (): void => limit.within(SILENT_MS, timedOut(url, "answer", SILENT_MS));
      awaitMore();
      try {
        const response = await send(method, path, { ...request, signal: limit.signal });
        return answerOf<T>({ url, asked: `${method} ${path}`, text: await textOf(response, awaitMore), holds });
      } catch (error) {
        throw asFailure(error, url, limit.signal);
      } finally {
        limit.release();
      }
    },
  };
}

/** `what` did not come within `ms`. */
export function timedOut(url: string, what: string, ms: number): PlatenError {
  return new PlatenError("timed_out", `${url} cannot be reached: no ${what} within ${ms / 1_000} s.`, {
    action: "Check the address and the network.",
  });
}

/** Why a request or the reading of its answer failed: aborted (whatever the runtime made of that), refused, or cut off. */
export function asFailure(error: unknown, url: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  return error instanceof PlatenError ? error : unreachable(url, error);
}

/** The body. `onPiece`: more of it has come, as it may for long on a slow line. */
async function textOf(response: Response, onPiece: () => void): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    onPiece();
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
}

/** The answer to `asked`, which must be an object in JSON that has the member `holds`: else something else than Platen answered. */
export function answerOf<T>(answer: { url: string; asked: string; text: string; holds: keyof T & string }): T {
  const { url, asked, text, holds } = answer;
  const value = objectOf(text);
  if (value && holds in value) return value as T;
  throw notPlaten(url, `its answer to ${asked} has no \`${holds}\``);
}

/** Null for what is no object in JSON. */
export function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
