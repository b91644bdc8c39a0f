/** What a request said, as far as it belongs into the trail: a few short values, and nothing that lets anyone in. */
import { shortened } from "../../contract/printable.ts";
import { masked } from "../errors.ts";

const MAX_FIELDS = 20;
const MAX_TEXT = 200;
/** What is looked at for passwords and queries: a text of megabytes must not cost time. */
const MAX_SEARCHED = 4_000;
/** Names of fields whose values are never told. */
const SECRET = /key|token|secret|passw|authori[sz]ation|credential|signature|cookie/i;

/** The fields of a body that hold one value, and those of its payload or filter; of an URL what comes before its query. */
export function auditDetails(body: unknown): Record<string, unknown> {
  const details: Record<string, unknown> = {};
  const add = (of: unknown): void => {
    if (typeof of !== "object" || of === null || Array.isArray(of)) return;
    for (const [name, value] of Object.entries(of)) {
      if (Object.keys(details).length >= MAX_FIELDS || SECRET.test(name)) continue;
      if (typeof value === "string") details[name] = shortText(value);
      else if (typeof value === "number" || typeof value === "boolean") details[name] = value;
    }
  };
  add(body);
  const { payload, filter } = (body ?? {}) as { payload?: unknown; filter?: unknown };
  add(payload);
  add(filter);
  return details;
}

/** Of text that somebody sent: without passwords and queries of URLs, and not longer than anybody reads. */
export function shortText(text: string): string {
  const bare = masked(text.slice(0, MAX_SEARCHED)).replaceAll(/\b(\w+:\/\/[^\s?#]*)[?#]\S*/g, "$1?…");
  // Cut in the middle of a character, it could not be stored.
  return shortened(bare, MAX_TEXT).toWellFormed();
}
