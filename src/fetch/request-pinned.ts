/** One request to addresses that were checked before: the connection asks no resolver again. */
import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { AppError, reasonOf } from "../errors.ts";
import { maskUrl } from "./mask-url.ts";
import type { Address } from "./resolve-target.ts";

export interface PinnedRequest {
  url: URL;
  addresses: readonly Address[];
  headers: Record<string, string>;
  /** Until the answer's head has come. */
  headMs: number;
  signal: AbortSignal;
}

/** The answer's head; its body is unread. Errors: `url_unreachable`, the signal's reason. */
export async function requestPinned({
  url,
  addresses,
  headers,
  headMs,
  signal,
}: PinnedRequest): Promise<IncomingMessage> {
  const pinned: LookupFunction = (_, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? "", first?.family ?? 4);
  };
  // Only until the head has come: the body has limits of its own, and the signal goes on with it.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), headMs);
  const options: RequestOptions = {
    ...{ method: "GET", headers: { "user-agent": "Platen", accept: "*/*", "accept-encoding": "identity", ...headers } },
    // A connection of its own, which nobody else has opened to somewhere else; no proxy of the environment.
    ...{ agent: false, lookup: pinned, signal: AbortSignal.any([signal, late.signal]) },
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === "https:" ? requestHttps(url, options) : requestHttp(url, options);
  request.once("response", resolve);
  request.once("error", reject);
  request.end();
  try {
    return await promise;
  } catch (cause) {
    signal.throwIfAborted();
    const reason = late.signal.aborted ? `no answer within ${headMs / 1_000} s` : reasonOf(cause);
    throw new AppError("url_unreachable", { url: maskUrl(url), reason, tries: 1 }, { cause });
  } finally {
    clearTimeout(timer);
  }
}
