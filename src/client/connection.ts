/** Where the gateway is, and as whom to speak to it. */
import { PlatenError } from "./platen-error.ts";

export interface Connection {
  /** E.g. `https://platen.example.org`; a path and a slash at the end are fine. */
  url: string;
  /** `pk_…`; sent as `Authorization: Bearer`, never in an address. */
  apiKey: string;
  /** Replaces the runtime's `fetch`, e.g. to go through a proxy. */
  fetch?: typeof fetch;
}

/** Can paths be put behind it? `fetch` refuses addresses with a user, and a query or a fragment would swallow the path. */
export function isAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === "" && password === "" && !/[?#]/.test(url);
}

/** Can a header carry it? `undefined`: of a variable that is not set, where nobody checks types. */
export function isApiKey(text: string | undefined): boolean {
  return text !== undefined && /^[\x21-\x7e]+$/.test(text);
}

/**
 * What `fetch` would throw a `TypeError` for, at the first request and as if the network were at fault. Neither is repeated: an address may
 * hold a password, too.
 */
export function checkConnection({ url, apiKey }: Connection): void {
  if (!isAddress(url)) {
    throw new PlatenError("connection_invalid", "`url` is no address of a gateway.", {
      action: "Give one like https://platen.example.org: http or https, no user, no query, no fragment.",
    });
  }
  if (!isApiKey(apiKey)) {
    throw new PlatenError("connection_invalid", "`apiKey` is empty, or holds what no key holds.", {
      action: "Give a key as it was created, `pk_…`, without spaces and line ends around it.",
    });
  }
}
