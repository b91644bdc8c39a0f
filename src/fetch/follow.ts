/** From a URL to the answer that has the file: redirects are checked like the URL itself. */
import type { IncomingMessage } from "node:http";
import { AppError } from "../errors.ts";
import { maskUrl } from "./mask-url.ts";
import { requestPinned } from "./request-pinned.ts";
import { resolveTarget, type Resolve } from "./resolve-target.ts";

export interface FollowOptions {
  allow: readonly string[];
  resolve: Resolve;
  /** Until an answer's head has come. */
  headMs: number;
  signal: AbortSignal;
}

export interface Found {
  /** Where the file is, behind all redirects. */
  url: URL;
  answer: IncomingMessage;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The first answer that is no redirect, whatever its status. Errors: `url_refused`, `url_unreachable`, `url_redirects`. */
export async function follow(start: string, headers: Record<string, string>, options: FollowOptions): Promise<Found> {
  const seen = new Set<string>();
  let url = URL.parse(start);
  if (!url) throw new AppError("url_refused", { url: maskUrl(start), reason: "it is no URL" });
  for (;;) {
    const loop = seen.has(url.href) ? ", in a circle" : "";
    if (loop !== "" || seen.size > MAX_REDIRECTS)
      throw new AppError("url_redirects", { url: maskUrl(start), limit: MAX_REDIRECTS, loop });
    seen.add(url.href);
    const addresses = await resolveTarget(url, options);
    const answer = await requestPinned({ ...options, url, addresses, headers });
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined) return { url, answer };
    // Nobody reads its body.
    answer.destroy();
    url = nextUrl(url, location);
  }
}

function nextUrl(from: URL, location: string): URL {
  const to = URL.parse(location, from.href);
  if (!to) throw new AppError("url_refused", { url: maskUrl(from), reason: "it redirects to what is no URL" });
  return to;
}
