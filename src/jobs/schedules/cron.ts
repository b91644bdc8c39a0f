/**
 * Five fields of cron, as far as Temporal understands them, with what is wrong named by field. Temporal checks them again; it is asked only
 * when it is there, and its sentence names no field.
 */

interface Field {
  name: string;
  least: number;
  most: number;
  /** The first stands for `least`. */
  names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: MONTHS },
  { name: "day of week", least: 0, most: 6, names: WEEKDAYS },
] as const satisfies readonly Field[];
/** The most that a month can have. */
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const PART = /^(\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/;

/** What is wrong with it, in words; null for nothing. */
export function cronFault(text: string): string | null {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length || text.trim() === "") {
    return `has ${text.trim() === "" ? 0 : parts.length} fields; it must have five: ${FIELDS.map(({ name }) => name).join(", ")}`;
  }
  const values: number[][] = [];
  for (const [at, field] of FIELDS.entries()) {
    const read = valuesOf(field, parts[at] ?? "");
    if (typeof read === "string") return `${field.name} ${read}`;
    values.push(read);
  }
  const [, , days = [], months = []] = values;
  const someDay = months.some((month) => Math.min(...days) <= (DAYS[month - 1] ?? 0));
  return someDay ? null : `is never due: none of its months has a day ${Math.min(...days)}`;
}

function valuesOf(field: Field, text: string): number[] | string {
  const all: number[] = [];
  for (const part of text.split(",")) {
    const match = PART.exec(part);
    if (!match) return `cannot be read: ${part === "" ? "an empty part" : part}`;
    const [, range, from = "", to, step] = match;
    const first = range === "*" ? field.least : numberOf(field, from);
    const last = range === "*" || (step !== undefined && to === undefined) ? field.most : numberOf(field, to ?? from);
    const wrong = first === null ? from : last === null ? to : null;
    if (first === null || last === null)
      return `must be ${field.least} to ${field.most}${field.names ? " or a name" : ""}: ${wrong}`;
    if (first > last) return `goes backwards: ${part}`;
    const by = step === undefined ? 1 : Number(step);
    if (by < 1) return `has a step of 0: ${part}`;
    for (let value = first; value <= last; value += by) all.push(value);
  }
  return all;
}

function numberOf({ least, most, names }: Field, text: string): number | null {
  const name = names?.indexOf(text.toLowerCase()) ?? -1;
  if (name >= 0) return least + name;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}
