/**
 * Which log entries a watcher has been told. Entries have no ids, and come in two ways: as the whole list (snapshots and polls), or one by
 * one with the events that they belong to. The whole list can begin later than it did before (a ledger that was cut), or end earlier (a
 * gateway that is behind by a moment).
 */
import type { LogEntry } from "./job.ts";

export interface ToldLogs {
  /** The entries of the whole list that have not been told. `reset`: it cannot be known which, so they are all there are. */
  untold(list: readonly LogEntry[]): { logs: LogEntry[]; reset: boolean };
  /** The entries of the next event that have not been told: all, but after a list that was behind. */
  next(entries: readonly LogEntry[]): LogEntry[];
  /** Nothing has been told. */
  forget(): void;
}

/** Entries that are remembered. What is told twice by a gateway that is behind lies in the last two seconds. */
const REMEMBERED = 1_000;

/** `begun`: entries have been told before, nobody knows which. */
export function createToldLogs(begun: boolean): ToldLogs {
  const told = new Set<string>();
  /** Length of the list up to the newest entry that was told; null while unknown. */
  let count = begun ? null : 0;
  let newest: string | undefined;
  let behind = false;

  const keyOf = ({ timestamp, level, message }: LogEntry): string => `${timestamp} ${level} ${message}`;
  const isTold = (entry: LogEntry): boolean => told.has(keyOf(entry));

  function remember(entries: readonly LogEntry[]): LogEntry[] {
    for (const entry of entries) {
      newest = keyOf(entry);
      told.add(newest);
    }
    for (const key of told) {
      if (told.size <= REMEMBERED) break;
      told.delete(key);
    }
    return [...entries];
  }

  /** Where the untold entries of the list begin. By number, for two entries may be the same to the letter; by content where that fails. */
  function beginning(list: readonly LogEntry[]): number {
    const last = count ? list[count - 1] : undefined;
    if (count && last && keyOf(last) === newest) return count;
    return list.findLastIndex(isTold) + 1;
  }

  return {
    untold(list) {
      const from = beginning(list);
      const reset = count === null && from === 0;
      const end = list.at(-1);
      behind = from === list.length && newest !== undefined && (!end || keyOf(end) !== newest);
      count = list.length;
      return { logs: remember(list.slice(from)), reset };
    },
    next(entries) {
      const logs = behind ? entries.filter((entry) => !isTold(entry)) : entries;
      if (logs.length > 0) behind = false;
      if (count !== null) count += entries.length;
      return remember(logs);
    },
    forget() {
      told.clear();
      [count, newest, behind] = [0, undefined, false];
    },
  };
}
