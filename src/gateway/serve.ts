/** A gateway that listens: its application, its feed, its notifier and its reconciler, started and stopped as one. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createJobNotifier } from "../jobs/job-notifier.ts";
import { createProgressFeed } from "../jobs/progress-feed.ts";
import { createReconciler } from "../jobs/reconcile.ts";
import { createApp } from "./app.ts";
import { refuseUnparsed } from "./refuse-unparsed.ts";
import type { GatewayDeps } from "./route.ts";

export interface Gateway {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** Ends streams and idle connections, waits up to a second for answers on their way, and stops everything it started. */
  close(): Promise<void>;
}

/** Between a change and its NOTIFY. */
const NOTIFY_TICK_MS = 20;
const GRACE_MS = 1_000;

/** The database and the stores stay the caller's to close. Rejects when the port is taken. */
export async function startGateway(given: Omit<GatewayDeps, "notifier" | "feed">): Promise<Gateway> {
  const { config, database, executions, log } = given;
  const notifier = createJobNotifier({ database, log, tickMs: NOTIFY_TICK_MS });
  const feed = createProgressFeed({ database, url: config.PLATEN_DATABASE_URL, executions, log });
  const deps: GatewayDeps = { ...given, notifier, feed };
  // Whole requests have no limit in time: an upload may take hours, and whoever reads a body watches its pace. Headers have one:
  // with the former at 0, Node would lift this limit too.
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 60_000, requireHostHeader: false },
    createApp(deps).callback(),
  );
  // Node would ask for the body at once; it is asked for when it is wanted.
  server.on("checkContinue", (request, response) => server.emit("request", request, response));
  refuseUnparsed(server, log);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.PLATEN_GATEWAY_PORT, config.PLATEN_GATEWAY_HOST, resolve);
  });
  const reconciler = createReconciler(deps, { everyMs: config.PLATEN_RECONCILE_MS });
  return {
    url: urlOf(server.address() as AddressInfo),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await feed.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearTimeout(force);
      await reconciler.stop();
      await notifier.stop();
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
