/** Options that are numbers, times or names; a wrong one ends with exit code 2. */
import { InvalidArgumentError } from "commander";
import { projectSlug } from "../projects/project-folder.ts";

function parseWhole(text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
  }
  return value;
}

/** A port; 0 for a free one. */
export function parsePort(text: string): number {
  return text === "0" ? 0 : parseWhole(text, 65_535);
}

/** A run of a workflow. */
export function parseRun(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new InvalidArgumentError("It must be a run's id, a UUID.");
  return text.toLowerCase();
}

/** `24h`, `90m`, `7d`, in milliseconds. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})(m|h|d)$/.exec(text) ?? [];
  if (unit === "") throw new InvalidArgumentError("It must be a number of minutes, hours or days: 90m, 24h, 7d.");
  return Number(count) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as "m" | "h" | "d"];
}

/** A duration from now, or a moment as ISO 8601; answers the moment. Whether it is in the future the server knows. */
export function parseDeadline(text: string): string {
  if (/^\d{1,6}[mhd]$/.test(text)) return new Date(Date.now() + parseDuration(text)).toISOString();
  const moment = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : null;
  if (moment && !Number.isNaN(moment.getTime())) return moment.toISOString();
  throw new InvalidArgumentError(
    "It must be minutes, hours or days from now (90m, 24h, 7d), or like 2027-01-31T18:00:00Z.",
  );
}

export const parsePriority = (text: string): number => parseWhole(text, 5);
/** What PostgreSQL's `int` holds. */
export const parseVersion = (text: string): number => parseWhole(text, 2_147_483_647);
export const parseLimit = (text: string): number => parseWhole(text, 10_000);
/** Of a gate: what it does not look at it does not pass, so it is far above what a namespace has open. */
export const parseGateLimit = (text: string): number => parseWhole(text, 1_000_000);
export const parseParallel = (text: string): number => parseWhole(text, 64);

/** A project. */
export function parseSlug(text: string): string {
  const parsed = projectSlug.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message ?? "is no slug"}.`);
  return parsed.data;
}
