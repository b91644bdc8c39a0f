/** Writers in processes of their own, as workers are. */
import type { BenchRoom } from "../support/bench.ts";
import { startProcess } from "../support/child-process.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import { GATEWAY_ENV, GATEWAY_FLAGS } from "./gateway.ts";
import type { Work, Written } from "./writer.ts";

export interface Writers {
  pids: Record<string, number>;
  /** Each has its share of the jobs. Resolves when all is written; the answers are in the jobs' order. */
  write(grips: readonly Grip[], work: Omit<Work, "grips">): Promise<Written[]>;
}

export function startWriters(room: BenchRoom, count: number, url: string): Writers {
  const writers = Array.from({ length: count }, (_, at) =>
    startProcess(room, {
      ...{ name: `writer ${at + 1}`, program: "sse/writer.ts", flags: GATEWAY_FLAGS },
      env: { ...GATEWAY_ENV, PLATEN_DATABASE_URL: url },
    }),
  );
  return {
    pids: Object.fromEntries(writers.map(({ pid }, at) => [`writer_${at + 1}`, pid])),
    write(grips, work) {
      const share = Math.ceil(grips.length / writers.length);
      return Promise.all(
        writers.map(({ ask }, at) =>
          ask<Written>("write", { ...work, grips: grips.slice(at * share, (at + 1) * share) } satisfies Work),
        ),
      );
    },
  };
}
