/**
 * Links that open one artifact to whoever holds them, until they expire: the key is in the link, so that a browser, a mail or a spreadsheet
 * can follow it. Nothing is kept of them: whoever may see the artifact gets a new one whenever they ask.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";

/** What links are made with; `PLATEN_DOWNLOAD_SECONDS` is how long one opens. */
export type LinkSettings = Pick<Config, "PLATEN_PUBLIC_URL" | "PLATEN_SIGNING_SECRETS" | "PLATEN_DOWNLOAD_SECONDS">;

/** Moments of expiry are multiples of it, so that the same job looked at twice shows the same link, and caches can tell that it is. */
const ROUND_SECONDS = 300;

/** Where no secret is configured: of this process, so its links end with it. */
let own: readonly string[] | undefined;

const secretsOf = ({ PLATEN_SIGNING_SECRETS }: LinkSettings): readonly string[] =>
  PLATEN_SIGNING_SECRETS ?? (own ??= [randomBytes(32).toString("base64url")]);

/** The artifact and the moment are all that is signed: the gateway's address may change. */
const signatureOf = (secret: string, id: string, expires: number): string =>
  createHmac("sha256", secret).update(`GET /artifacts/${id}/download until ${expires}`).digest("base64url");

/** A link that opens the artifact without a key. `now`: milliseconds since the epoch. */
export function downloadUrl(settings: LinkSettings, artifactId: string, now: number = Date.now()): string {
  const expires = Math.ceil((now / 1_000 + settings.PLATEN_DOWNLOAD_SECONDS) / ROUND_SECONDS) * ROUND_SECONDS;
  const signature = signatureOf(secretsOf(settings)[0]!, artifactId, expires);
  const base = settings.PLATEN_PUBLIC_URL.replace(/\/+$/, "");
  return `${base}/artifacts/${artifactId}/download?expires=${expires}&signature=${signature}`;
}

/** When a link of now expires, ISO 8601. */
export const expiryOf = (url: string): string =>
  new Date(Number(new URL(url).searchParams.get("expires")) * 1_000).toISOString();

/**
 * Errors: `link_invalid`, for a signature that no accepted secret made; `link_expired`, for a genuine one that has had its time. A link
 * that is both is invalid: only who held a link learns that it was one.
 */
export function checkLink(
  settings: LinkSettings,
  link: { id: string; expires: string; signature: string },
  now: number = Date.now(),
): void {
  const expires = /^[1-9]\d{0,11}$/.test(link.expires) ? Number(link.expires) : null;
  const given = Buffer.from(link.signature);
  const genuine = secretsOf(settings).some((secret) => {
    const made = Buffer.from(signatureOf(secret, link.id, expires ?? 0));
    return made.length === given.length && timingSafeEqual(made, given);
  });
  if (expires === null || !genuine) throw new AppError("link_invalid", { artifact: link.id });
  if (expires * 1_000 <= now) {
    throw new AppError("link_expired", { artifact: link.id, expired_at: new Date(expires * 1_000).toISOString() });
  }
}
