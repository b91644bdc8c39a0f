/** Structured logs (JSON lines on stderr), one logger per process. */
import { pino, type Logger } from "pino";

export type Log = Logger;

/** `level`: trace, debug, info, warn, error, fatal or silent. Values under keys that hold secrets are masked. */
export function createLog(name: string, level: string): Log {
  return pino(
    { name, level, redact: { paths: ["api_key", "*.api_key", "authorization", "*.authorization"], censor: "***" } },
    pino.destination(2),
  );
}
