/** Temporal's runtime logs every state of a worker to stderr, and each rejection that is wanted here. */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";

/** Once per process, before anything else of the SDK; also in tests that install none themselves. Error: there is one already. */
export function quietRuntime(): void {
  const filter = makeTelemetryFilterString({ core: "ERROR", other: "ERROR" });
  Runtime.install({ logger: new DefaultLogger("ERROR", () => {}), telemetryOptions: { logging: { filter } } });
}
