/** The windows that statistics are told of: short ones by the hour, long ones by the day (UTC). */

export const WINDOWS = {
  "1h": { hours: 1, grain: "hour" },
  "6h": { hours: 6, grain: "hour" },
  "24h": { hours: 24, grain: "hour" },
  "48h": { hours: 48, grain: "hour" },
  "7d": { hours: 168, grain: "day" },
  "30d": { hours: 720, grain: "day" },
  "90d": { hours: 2_160, grain: "day" },
} as const;

export type WindowName = keyof typeof WINDOWS;
export type Grain = (typeof WINDOWS)[WindowName]["grain"];

export const WINDOW_NAMES = Object.keys(WINDOWS) as [WindowName, ...WindowName[]];

/** Days for which hours are kept: the longest window by the hour, and time to look at it. */
export const HOUR_DAYS = 8;

const GRAIN_MS = { hour: 3_600_000, day: 86_400_000 } as const;

/** What is coarser than each, ms; `first`: beginning of the first one since the epoch, whose weeks begin on Mondays. */
const COARSE = {
  hour: { grain: "day", ms: GRAIN_MS.day, first: 0 },
  day: { grain: "week", ms: 7 * GRAIN_MS.day, first: 4 * GRAIN_MS.day },
} as const;

export interface StatsWindow {
  grain: Grain;
  /** Beginning of an hour or a day: it is up to one longer than its name says. */
  from: Date;
  to: Date;
  /**
   * From when on times are read by the day, in a short window, or by the week: it ends now, so each of them from then on is in it, as far
   * as it has come.
   */
  coarse: { grain: "day" | "week"; from: Date };
}

export function windowAt(name: WindowName, now: number): StatsWindow {
  const { hours, grain } = WINDOWS[name];
  const began = now - hours * 3_600_000;
  const from = began - (began % GRAIN_MS[grain]);
  const coarse = COARSE[grain];
  const whole = coarse.first + Math.ceil((from - coarse.first) / coarse.ms) * coarse.ms;
  return {
    ...{ grain, from: new Date(from), to: new Date(now) },
    coarse: { grain: coarse.grain, from: new Date(whole) },
  };
}
