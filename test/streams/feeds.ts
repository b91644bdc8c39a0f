/**
 * The feeds that gateways of this process have made, to ask them how many watch: no route tells it. Nothing of them is replaced.
 * Import this before anything that imports the gateway.
 */
import { vi } from "vitest";
import type { ProgressFeed } from "../../src/jobs/progress-feed.ts";

const feeds: ProgressFeed[] = [];

vi.mock(import("../../src/jobs/progress-feed.ts"), async (original) => {
  const module = await original();
  return {
    ...module,
    createProgressFeed(options) {
      const feed = module.createProgressFeed(options);
      feeds.push(feed);
      return feed;
    },
  };
});

/** Of all gateways of this process. */
export function watching(): { jobs: number; watchers: number } {
  const sizes = feeds.map((feed) => feed.size());
  const sum = (what: "jobs" | "watchers"): number => sizes.reduce((total, size) => total + size[what], 0);
  return { jobs: sum("jobs"), watchers: sum("watchers") };
}
