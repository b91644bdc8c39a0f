/** A gateway that listens: its application, its feeds, its notifier and its reconciler, started and stopped as one. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { JOBS_CHANNEL } from "../../contract/messages.ts";
import { createJobNotifier } from "../jobs/job-notifier.ts";
import { listenToJobs } from "../jobs/job-notifications.ts";
import { notifyJobs } from "../jobs/ledger-store.ts";
import { createProgressFeed, type FeedOptions } from "../jobs/progress-feed.ts";
import { reconcileJob } from "../jobs/protocol/reconcile.ts";
import { createReconciler } from "../jobs/reconcile.ts";
import { createStatesFeed } from "../jobs/states-feed.ts";
import { createHistories } from "../replay/read-history.ts";
import { createApp } from "./app.ts";
import { createLiveStreams } from "./live-streams.ts";
import { createMetrics, serveMetrics } from "./metrics.ts";
import { refuseUnparsed } from "./refuse-unparsed.ts";
import type { GatewayDeps } from "./route.ts";
import { createLedgerReader } from "./sse/ledger-reader.ts";
import { isTaken } from "./sse/take-over.ts";
import { acceptJobSockets, isJobsSocket } from "./ws/accept-sockets.ts";

export interface Gateway {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** Streams and subscriptions that are open, and jobs that are watched for them. */
  watching(): { streams: number; jobs: number; watchers: number; states: number };
  /** Ends streams and idle connections, waits up to a second for answers on their way, and stops everything it started. */
  close(): Promise<void>;
}

/** What `startGateway` makes by itself. */
type Made = "histories" | "notifier" | "notifications" | "feed" | "states" | "ledger" | "streams";

/** Between two NOTIFYs; the first change is told at once. */
const NOTIFY_TICK_MS = 10;
const GRACE_MS = 1_000;
/** Of it for the clients of streams to take what was written last. */
const STREAM_GRACE_MS = 500;

/** The database and the stores stay the caller's to close. `pace`: of the feed, its own by default. Rejects when the port is taken. */
export async function startGateway(
  given: Omit<GatewayDeps, Made>,
  pace: Pick<FeedOptions, "silentMs"> = {},
): Promise<Gateway> {
  const { config, database, executions, log } = given;
  const notifier = createJobNotifier({ database, log, tickMs: NOTIFY_TICK_MS });
  const notifications = listenToJobs({
    url: config.PLATEN_LISTEN_URL ?? config.PLATEN_DATABASE_URL,
    notify: (payload) => notifyJobs(database.em.fork(), JOBS_CHANNEL, [payload]),
    log,
  });
  const reconcile = (jobId: string) => reconcileJob({ ...given, notifier }, jobId);
  const feed = createProgressFeed({
    ...{ database, notifications, executions, log, ...pace },
    ...(config.PLATEN_RECONCILE_MS > 0 ? { reconcile } : {}),
  });
  const states = createStatesFeed({ database, notifications, log });
  const streams = createLiveStreams({
    pingMs: config.PLATEN_PING_SECONDS * 1_000,
    maxAgeMs: config.PLATEN_STREAM_MAX_SECONDS * 1_000,
    maxStreams: config.PLATEN_MAX_STREAMS,
    maxPerPrincipal: config.PLATEN_MAX_STREAMS_PER_PRINCIPAL,
  });
  const ledger = createLedgerReader(database);
  // A connection of its own, made when someone asks: pages of megabytes do not stand before the calls of jobs.
  const histories = createHistories({
    address: config.PLATEN_TEMPORAL_ADDRESS,
    namespace: config.PLATEN_TEMPORAL_NAMESPACE,
  });
  const deps: GatewayDeps = { ...given, histories, notifier, notifications, feed, states, ledger, streams };
  const application = createApp(deps).callback();
  // Whole requests have no limit in time: an upload may take hours, and whoever reads a body watches its pace. Headers have one:
  // with the former at 0, Node would lift this limit too.
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 60_000, requireHostHeader: false, shouldUpgradeCallback: isJobsSocket },
    (request, response) => {
      // Its answer would come into the middle of the stream that goes on here.
      if (isTaken(request.socket)) request.socket.destroy();
      else void application(request, response);
    },
  );
  // Node would ask for the body at once; it is asked for when it is wanted.
  server.on("checkContinue", (request, response) => server.emit("request", request, response));
  refuseUnparsed(server, log);
  acceptJobSockets(server, deps);
  const watching = (): ReturnType<Gateway["watching"]> => ({
    ...{ streams: streams.size(), ...feed.size(), states: states.size() },
  });
  const { PLATEN_METRICS_PORT: metricsPort, PLATEN_METRICS_HOST: metricsHost } = config;
  let metrics: Server | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(config.PLATEN_GATEWAY_PORT, config.PLATEN_GATEWAY_HOST, resolve);
    });
    if (metricsPort > 0)
      metrics = await serveMetrics(createMetrics({ database, log, watching }), {
        host: metricsHost,
        port: metricsPort,
      });
  } catch (error) {
    server.close();
    feed.close();
    states.close();
    await notifications.close();
    throw error;
  }
  const reconciler = createReconciler(deps, { everyMs: config.PLATEN_RECONCILE_MS });
  return {
    url: urlOf(server.address() as AddressInfo),
    watching,
    async close() {
      // The lead first: another gateway takes it while the streams here end.
      const handedOver = reconciler.stop();
      // Streams first: to Node their connections are idle, and it cuts idle ones without a word.
      await streams.close(STREAM_GRACE_MS);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      metrics?.close();
      metrics?.closeAllConnections();
      feed.close();
      states.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), GRACE_MS - STREAM_GRACE_MS);
      await closed;
      clearTimeout(force);
      await notifications.close();
      await histories.close();
      await handedOver;
      await notifier.stop();
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
