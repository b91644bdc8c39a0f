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

/** From the beginning of an hour or a day, so it is up to one longer than its name says. */
export function windowAt(name: WindowName, now: number): { grain: Grain; from: Date; to: Date } {
  const { hours, grain } = WINDOWS[name];
  const began = now - hours * 3_600_000;
  return { grain, from: new Date(began - (began % GRAIN_MS[grain])), to: new Date(now) };
}
