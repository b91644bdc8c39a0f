/** Publishes as good clients ask for them: one after the other in each environment, several environments at a time. */
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { FailureCode } from "../../../contract/failures.ts";
import { isFinal } from "../../../contract/job-state.ts";
import type { Environment } from "../../../contract/publish.ts";
import { queryOne } from "../../../src/db.ts";
import { sourceTile } from "../../support/chaos-room.ts";
import { createDraft, SMALL, until, type Draft, type DraftOptions } from "../../support/publishing.ts";
import type { City } from "./city.ts";
import type { UnderWay } from "./fault.ts";
import type { Random } from "./random.ts";

/** One publish that is asked for. */
export interface Order {
  draft: Draft;
  version: number;
  environment: Environment;
  /** It must fail with this code first; `mend` takes the reason away, and it is retried. */
  poison?: { name: string; code: FailureCode; mend(): Promise<unknown> };
}

/** An environment of a project and what is published there, in this order. */
export interface Line {
  orders: Order[];
}

/** A publish that was accepted. */
export interface Accepted {
  order: Order;
  job: string;
  /** Times it was retried, and the code that it had failed with. */
  retries: { generation: number; code: string }[];
}

export interface Load {
  accepted: readonly Accepted[];
  underWay(): UnderWay[];
  /** What went on as it must not, a sentence each. */
  wrongs: string[];
  /**
   * Resolves when every order has ended as it should, or has been given up. `spreadMs`: the last one is asked for no sooner, and those
   * before it evenly: on a quick machine they would be over before anything could happen to them.
   */
  run(options: { lines: Line[]; atATime: number; spreadMs: number }): Promise<void>;
}

/** A fault of 20 s, a missed heartbeat and retries 15 s apart, more than once. */
const END_MS = 300_000;
const ANSWER_MS = 20_000;

const LARGE: DraftOptions = {
  descriptor: { width: 4_000, height: 4_000, tile_size: 256, overlap: 0, format: "png" },
  tileBytes: 60,
};
const ENVIRONMENTS: Environment[] = ["dev", "staging", "production"];

/** `count` publishes of projects with two versions, each in two environments; every tenth project is large, `poisoned` begin poisoned. */
export async function layLines(
  city: City,
  random: Random,
  options: { count: number; large: number; poisoned: number },
): Promise<Line[]> {
  const lines: Line[] = [];
  let [left, project] = [options.count, 0];
  while (left > 0) {
    const large = project < options.large ? LARGE : { descriptor: SMALL };
    const first = await createDraft(city.room, large);
    const second = await createDraft(city.room, { ...large, project: first });
    const poison = project >= options.large && project < options.large + options.poisoned;
    for (const environment of random.shuffle(ENVIRONMENTS).slice(0, 2)) {
      const orders = [first, second].map((draft, at): Order => ({ draft, version: at + 1, environment }));
      lines.push({ orders: orders.slice(0, left) });
      left -= orders.slice(0, left).length;
      if (left <= 0) break;
    }
    const poisoned = lines.at(-1)?.orders.at(-1);
    if (poison && poisoned?.version === 2) lines[lines.length - 1] = { orders: await poisonLast(city, lines.at(-1)!) };
    project += 1;
  }
  return random.shuffle(lines);
}

/** The last order of the line is for a version of its own, one of whose tiles is not what was imported. */
async function poisonLast(city: City, { orders }: Line): Promise<Order[]> {
  const [{ draft: live, environment }] = orders as [Order];
  const draft = await createDraft(city.room, { descriptor: SMALL, project: live });
  const path = await sourceTile(city.room, draft, 2);
  const whole = await readFile(path);
  await writeFile(path, Buffer.alloc(whole.length));
  const mend = () => writeFile(path, whole);
  const poison = { name: "poisoned publish", code: "source_tile_damaged" as const, mend };
  return [...orders.slice(0, -1), { draft, version: 3, environment, poison }];
}

/** `mayFail`: codes of the faults that are about; a publish that fails with one of them is retried. */
export function createLoad(city: City, mayFail: readonly FailureCode[]): Load {
  const accepted: Accepted[] = [];
  const open = new Set<UnderWay>();
  const wrongs: string[] = [];

  async function call(path: string, body: object, key?: string): Promise<{ status: number; body: Answer } | null> {
    const headers = {
      Authorization: `Bearer ${city.key}`,
      "Content-Type": "application/json",
      Connection: "close",
      ...(key ? { "Idempotency-Key": key } : {}),
    };
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      const answer = await fetch(city.url + path, { method: "POST", headers, body: JSON.stringify(body), signal });
      return { status: answer.status, body: (await answer.json()) as Answer };
    } catch {
      // No gateway, or one that died before it had answered.
      return null;
    }
  }
  /** Asks until it is told yes; 503 says: later. */
  async function insist(path: string, body: object, options: { key?: string; asGood?: string } = {}): Promise<Answer> {
    return until(
      `${path} to be accepted`,
      async () => {
        const answer = await call(path, body, options.key);
        if (answer?.status === 202 || (answer && answer.body.code === options.asGood)) return answer.body;
        if (answer && answer.status !== 503) {
          wrongs.push(`${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
          throw new Error(wrongs.at(-1));
        }
        await delay(200);
        return null;
      },
      END_MS,
    );
  }
  const ended = (job: string, generation: number) =>
    until(
      `generation ${generation} of ${job} to end`,
      async () => {
        const sql = `select status, generation, error_code, error from jobs where id = $1`;
        const row = await queryOne<Ended>(city.room.database.em.fork(), sql, [job]).catch(() => null);
        return row && row.generation === generation && isFinal(row.status as "failed") && row;
      },
      END_MS,
    );

  async function place(order: Order): Promise<void> {
    const { draft, version, environment, poison } = order;
    const path = `/projects/${draft.project}/versions/${version}/publish`;
    const key = `${draft.version_id}-${environment}`;
    const { id: job = "" } = await insist(path, { target_environment: environment }, { key });
    const entry: Accepted = { order, job, retries: [] };
    accepted.push(entry);
    const way = { job, draft };
    open.add(way);
    try {
      for (let generation = 1; ; generation++) {
        const end = await ended(job, generation);
        if (end.status === "completed") return;
        const code = end.error_code ?? end.status;
        const good = generation === 1 ? poison?.code === code : mayFail.includes(code as FailureCode);
        if (!good && !mayFail.includes(code as FailureCode)) {
          wrongs.push(`${job} ended ${end.status} with ${code}: ${end.error}`);
          return;
        }
        entry.retries.push({ generation, code });
        // The disk may be full.
        if (generation === 1 && poison)
          await until(
            "the poison to be gone",
            () =>
              poison.mend().then(
                () => true,
                () => false,
              ),
            END_MS,
          );
        // The answer to the first request may be what was lost.
        await insist(`/jobs/${job}/retry`, {}, { asGood: "job_not_retryable" });
      }
    } finally {
      open.delete(way);
    }
  }

  return {
    accepted,
    wrongs,
    underWay: () => [...open],
    async run({ lines, atATime, spreadMs }) {
      const waiting = [...lines];
      const count = lines.reduce((sum, { orders }) => sum + orders.length, 0);
      const since = Date.now();
      let begun = 0;
      const hands = Array.from({ length: atATime }, async () => {
        for (let line = waiting.shift(); line; line = waiting.shift()) {
          for (const order of line.orders) {
            await delay(Math.max(0, since + (begun++ / count) * spreadMs - Date.now()));
            await place(order).catch((error: unknown) => wrongs.push(String(error)));
          }
        }
      });
      await Promise.all(hands);
    },
  };
}

interface Answer {
  id?: string;
  code?: string;
}

interface Ended {
  status: string;
  generation: number;
  error_code: string | null;
  error: string | null;
}
