/**
 * One WebSocket that watches jobs, each subscription a stream of its own with the same events and cursors, all on one connection.
 *
 *   open ──age, drain──► closing (1001: come back) ──► closed
 *     └──no pong, stalled, too many messages──────────► closed
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { parseJobId } from "../../../contract/workflow-id.ts";
import type { Database } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { findJob } from "../../jobs/job-queries-store.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { Connection, LiveStreams, Place, Times } from "../live-streams.ts";
import { asAppError } from "../middleware/problems.ts";
import { beginningOf } from "../sse/resume.ts";
import { JobTeller, type TellerDeps } from "../sse/tell-job.ts";
import { MAX_STALL_MS, MAX_UNREAD_BYTES, type Wire } from "../sse/wire.ts";
import { readMessage, type ClientMessage, type ServerMessage } from "./messages.ts";

export interface JobsSocketDeps extends TellerDeps {
  database: Database;
  streams: LiveStreams;
}

export interface JobsSocketOptions {
  ws: WebSocket;
  /** What it runs on. */
  socket: Duplex;
  principal: Principal;
  /** Of the connection; each subscription takes one more. */
  place: Place;
  maxSubscriptions: number;
  times: Times;
}

/** Close codes of RFC 6455: going away, policy violation. */
const GOING_AWAY = 1_001;
const POLICY = 1_008;
/** Between the end of a connection and that of its socket, if the client does not close it. */
const LINGER_MS = 5_000;
/** Messages of a client that wait to be worked on. */
const MAX_WAITING = 2_000;

export function createJobsSocket(deps: JobsSocketDeps, options: JobsSocketOptions): Connection {
  const { ws, socket, principal, times } = options;
  const subscriptions = new Map<string, JobTeller>();
  let waiting = 0;
  let work: Promise<void> = Promise.resolve();
  let heard = true;
  let endingAt = 0;
  let stalledAt = 0;
  let isClosed = false;

  const send = (message: ServerMessage): void => ws.send(JSON.stringify(message));

  /** The wire of one subscription: its end is told and gives its place back, and the connection goes on. */
  const wireOf = (id: string, place: Place): Wire => ({
    get full() {
      return socket.writableNeedDrain;
    },
    write(frames) {
      for (const text of frames.messages(id)) ws.send(text, { binary: false });
    },
    end(reason) {
      subscriptions.delete(id);
      place.release();
      if (!isClosed) send({ type: "unsubscribed", job_id: id, reason });
    },
  });

  async function subscribe({ job_id, last_event_id = "" }: ClientMessage & { type: "subscribe" }): Promise<void> {
    const id = parseJobId(job_id);
    const job = id && (await findJob(deps.database.em.fork(), { tenant_id: principal.tenant_id, id }));
    if (!job) throw new AppError("job_not_found", { job: job_id });
    if (isClosed || endingAt > 0) return;
    const refusal = subscriptions.has(job.id) ? "there is a subscription to it already" : null;
    if (refusal) throw new AppError("invalid_request", { count: 1, first: `${job_id}: ${refusal}` });
    if (subscriptions.size >= options.maxSubscriptions)
      throw new AppError("too_many_streams", { limit: options.maxSubscriptions, whose: "This connection" });
    const beginning = beginningOf(last_event_id, job);
    if (beginning.kind === "nothing") {
      send({ type: "subscribed", job_id: job.id });
      return send({ type: "unsubscribed", job_id: job.id, reason: "ended" });
    }
    const place = deps.streams.admit(principal);
    const teller = new JobTeller(deps, { beginning, words: "stream" });
    subscriptions.set(job.id, teller);
    send({ type: "subscribed", job_id: job.id });
    teller.begin(wireOf(job.id, place), job);
  }

  function unsubscribe(text: string): void {
    const id = parseJobId(text);
    const teller = id ? subscriptions.get(id) : undefined;
    if (!teller) throw new AppError("invalid_request", { count: 1, first: `${text}: there is no subscription to it` });
    teller.closed();
  }

  async function handle(text: string): Promise<void> {
    const message = readMessage(text);
    try {
      if ("wrong" in message) throw new AppError("invalid_request", { count: 1, first: message.wrong });
      if (message.type === "ping") send({ type: "pong" });
      else if (message.type === "subscribe") await subscribe(message);
      else unsubscribe(message.job_id);
    } catch (error) {
      const { code, message: what, action } = asAppError(error, null);
      const whose = "job_id" in message ? { job_id: message.job_id } : {};
      if (!isClosed) send({ type: "error", code, message: `${what} ${action}`, ...whose });
    }
    // Who does not read its answers is not read any more.
    if (socket.writableNeedDrain) ws.pause();
  }

  /** The one that had to wait goes first the next time: a lively job must not keep the others from being told. */
  function drained(): void {
    for (const [id, teller] of [...subscriptions]) {
      if (socket.writableNeedDrain) return;
      subscriptions.delete(id);
      subscriptions.set(id, teller);
      teller.drained();
    }
    if (!isClosed && !socket.writableNeedDrain) ws.resume();
  }

  function release(): void {
    if (isClosed) return;
    isClosed = true;
    for (const teller of [...subscriptions.values()]) teller.closed();
    options.place.release();
  }

  function expire(): void {
    if (endingAt > 0) return;
    endingAt = performance.now();
    for (const teller of [...subscriptions.values()]) teller.closing();
    ws.close(GOING_AWAY, "come back");
  }

  ws.on("message", (data: Buffer, isBinary) => {
    if (isBinary || waiting >= MAX_WAITING)
      return ws.close(POLICY, isBinary ? "text messages only" : "too many messages");
    waiting += 1;
    const text = data.toString();
    work = work.then(() => handle(text)).finally(() => (waiting -= 1));
  });
  ws.on("pong", () => (heard = true));
  ws.on("error", () => ws.terminate());
  ws.on("close", release);
  socket.on("drain", drained);

  return {
    tick(now, everyMs) {
      if (isClosed) return false;
      if (endingAt > 0 && now - endingAt >= LINGER_MS) ws.terminate();
      else if (endingAt === 0 && now >= times.endAt) expire();
      else if (now >= times.pingAt) {
        times.pingAt = now + everyMs;
        if (!heard) ws.terminate();
        heard = false;
        ws.ping();
      }
      if (socket.writableLength <= MAX_UNREAD_BYTES) stalledAt = 0;
      else if (stalledAt === 0) stalledAt = now;
      else if (now - stalledAt >= MAX_STALL_MS) ws.terminate();
      return true;
    },
    expire,
    get isClosed() {
      return isClosed;
    },
    destroy: () => ws.terminate(),
  };
}
