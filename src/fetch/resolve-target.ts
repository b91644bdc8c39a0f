/** Where a URL leads: its name is resolved once, every address is checked, and the connection goes to these and no others. */
import { lookup } from "node:dns/promises";
import { AppError, reasonOf } from "../errors.ts";
import { inTime } from "../in-time.ts";
import { whyRefused } from "./check-address.ts";
import { maskUrl } from "./mask-url.ts";

/** As `dns.lookup` with `all` answers. */
export interface Address {
  address: string;
  family: number;
}

export type Resolve = (host: string) => Promise<Address[]>;

/** As every program on this machine resolves names. */
export const resolveByName: Resolve = (host) => lookup(host, { all: true });

/** `headMs`: until a name is resolved. Errors: `url_refused`, `url_unreachable` (for a name that leads nowhere), the signal's reason. */
export async function resolveTarget(
  url: URL,
  options: { allow: readonly string[]; resolve: Resolve; headMs: number; signal: AbortSignal },
): Promise<Address[]> {
  const refuse = (reason: string) => new AppError("url_refused", { url: maskUrl(url), reason });
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refuse(`${url.protocol} is neither http nor https`);
  if (url.username !== "" || url.password !== "")
    throw refuse("it holds credentials, which would be kept with the job");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  // What is written as a number (127.1, 0x7f000001) the URL parser has made an address of already.
  const addresses = isAddress(host)
    ? [{ address: host, family: host.includes(":") ? 6 : 4 }]
    : await named(url, host, options);
  for (const { address } of addresses) {
    const reason = whyRefused(address, options.allow);
    if (reason !== null) throw refuse(isAddress(host) ? reason : `${host} leads to ${address}, and ${reason}`);
  }
  return addresses;
}

const isAddress = (host: string): boolean => host.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(host);

/** The system's resolver knows no signal, and waits for a server that is silent for as long as it likes: then nobody waits for it. */
async function named(
  url: URL,
  host: string,
  { resolve, headMs, signal }: Parameters<typeof resolveTarget>[1],
): Promise<Address[]> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const found = await inTime(Promise.race([resolve(host), aborted.promise]), headMs)
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      const facts = { url: maskUrl(url), reason: `its name cannot be resolved (${reasonOf(cause)})`, tries: 1 };
      throw new AppError("url_unreachable", facts, { cause });
    })
    .finally(() => signal.removeEventListener("abort", stop));
  if (found.length > 0) return found;
  throw new AppError("url_unreachable", { url: maskUrl(url), reason: "its name has no address", tries: 1 });
}
