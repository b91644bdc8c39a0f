/** What Temporal takes turns by: one key per tenant. */

/** The most that the server takes of a fairness key, in bytes; a character of ours takes three at most, or two for each half of a pair. */
const MOST_BYTES = 64;

/** Equal for jobs of one tenant. A name too long for the server is told by its beginning and a digest, so that no two share a key. */
export function fairnessKey(tenant: string): string {
  if (tenant.length * 3 <= MOST_BYTES || (tenant.length <= MOST_BYTES && /^[\x20-\x7e]*$/.test(tenant))) return tenant;
  return `${tenant.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, 40)}-${digestOf(tenant)}`;
}

/** FNV-1a of 64 bits, in hex. */
function digestOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
