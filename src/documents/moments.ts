/** Days and times in documents: read as ISO 8601, shown in the document's time zone. */

const MOMENT = /^([+-]\d{6}|\d{4})-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

export interface Moment {
  /** Milliseconds since the epoch of what clocks show there, as if that were UTC: what spreadsheets count in. */
  local: number;
  /** ISO 8601 without a zone: a day, or day and time. */
  text: string;
}

/** Null for what is no day or time that exists. A time without a zone is one of the document's. */
export function momentOf(text: string, zone: string, withTime: boolean): Moment | null {
  const match = MOMENT.exec(text);
  if (!match) return null;
  const [, , time, , , offset] = match;
  const at = Date.parse(time === undefined || offset !== undefined ? text : `${text}Z`);
  if (Number.isNaN(at) || !isRealDay(text, match[1]!)) return null;
  // A day is a day everywhere; so is a time that names no zone.
  const local = time === undefined || offset === undefined ? at : at + offsetAt(at, zone);
  const shown = new Date(local);
  if (Number.isNaN(shown.getTime())) return null;
  const [day = "", clock = ""] = shown.toISOString().split("T");
  return { local, text: withTime ? `${day} ${clock.slice(0, 5)}` : day };
}

/** JavaScript takes 30 February for 1 March. */
function isRealDay(text: string, year: string): boolean {
  const [month = 0, day = 0] = text
    .slice(year.length + 1)
    .split(/[-T]/)
    .map(Number);
  const days = new Date(0);
  days.setUTCFullYear(Number(year), month, 0);
  return month >= 1 && month <= 12 && day >= 1 && day <= (Number.isNaN(days.getTime()) ? 31 : days.getUTCDate());
}

/** Milliseconds that clocks are ahead of UTC. */
function offsetAt(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at);
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
  const [, sign, hours = "0", minutes = "0", seconds = "0"] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(name) ?? [];
  if (sign === undefined) return 0;
  return (sign === "-" ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const FIRST_SERIAL_DAY = Date.UTC(1900, 2, 1);
const BEHIND_LAST_SERIAL_DAY = Date.UTC(10_000, 0, 1);

/**
 * Can a spreadsheet hold it as a day? Its days are counted from 1900 (which it takes for a leap year, so what is before March is a day
 * off) to 9999: all others are written as texts.
 */
export const isSerialDay = (local: number): boolean => local >= FIRST_SERIAL_DAY && local < BEHIND_LAST_SERIAL_DAY;
