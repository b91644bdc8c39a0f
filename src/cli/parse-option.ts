/** Options that are numbers; a wrong one ends with exit code 2. */
import { InvalidArgumentError } from "commander";

function parseWhole(text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
  }
  return value;
}

/** What PostgreSQL's `int` holds. */
export const parseVersion = (text: string): number => parseWhole(text, 2_147_483_647);
export const parseLimit = (text: string): number => parseWhole(text, 10_000);
export const parseParallel = (text: string): number => parseWhole(text, 64);
