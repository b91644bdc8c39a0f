/** The cursor of a list: where the page before ended, opaque to clients. */
import { AppError } from "../../errors.ts";
import { parseJobId } from "../../../contract/workflow-id.ts";

export interface ListCursor {
  /** As PostgreSQL gave it, with microseconds: an ISO string would skip rows of the same millisecond. */
  created_at: string;
  id: string;
}

export function encodeCursor({ created_at, id }: ListCursor): string {
  return Buffer.from(`${created_at}|${id}`).toString("base64url");
}

/** Error: `invalid_request`. */
export function decodeCursor(text: string): ListCursor {
  const [created_at = "", id = ""] = Buffer.from(text, "base64url").toString("utf8").split("|");
  if (isMoment(created_at) && parseJobId(id) === id) return { created_at, id };
  const message = "the cursor is not one that this list gave";
  throw new AppError(
    "invalid_request",
    { count: 1, first: message },
    { problems: [{ code: "invalid_cursor", path: "/cursor", message, value: text.slice(0, 200) }] },
  );
}

const MOMENT = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,6})?[+-](\d\d)(?::?([0-5]\d))?$/;
/** The furthest that PostgreSQL takes an offset for. */
const MAX_OFFSET_HOURS = 15;

/** A timestamp that PostgreSQL could have printed: it has no year 0, no 31st of February and no 24:00. */
function isMoment(text: string): boolean {
  const [, date = "", time = "", hours = ""] = MOMENT.exec(text) ?? [];
  const moment = new Date(`${date}T${time}Z`);
  if (Number.isNaN(moment.getTime()) || date.startsWith("0000") || Number(hours) > MAX_OFFSET_HOURS) return false;
  // JavaScript turns a day too many into the next month's.
  return moment.toISOString().startsWith(`${date}T${time}`);
}
