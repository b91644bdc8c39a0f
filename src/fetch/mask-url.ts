/** URLs as they may be told: tokens stand in credentials, queries and fragments. */

/** Characters of a URL in a sentence. */
const MAX_TOLD = 200;

/** Without credentials and fragment, and with `?***` for a query; of what is no URL only that. */
export function maskUrl(url: string | URL): string {
  const parsed = typeof url === "string" ? URL.parse(url) : url;
  if (!parsed) return "the URL";
  const told = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  return `${told.length > MAX_TOLD ? `${told.slice(0, MAX_TOLD)}…` : told}${parsed.search === "" ? "" : "?***"}`;
}
