/** Where Temporal is for the commands that read histories: flag, then environment, then the stack that runs here. */
import { readClientConfig, readTemporalConfig } from "../../config.ts";
import { findStack } from "../find-server.ts";

export interface TemporalAddress {
  address: string;
  namespace: string;
  /** A flag or a variable named it: if it is not there, that is an error. */
  named: boolean;
}

export interface TemporalFlags {
  temporal?: string;
  namespace?: string;
  server?: string;
}

/** Null when nothing names one. The stack's counts for the stack's own jobs only: not with another server. */
export function findTemporal(flags: TemporalFlags, folder: string = process.cwd()): TemporalAddress | null {
  const variables = readTemporalConfig();
  const namespace = flags.namespace ?? variables.namespace;
  const address = flags.temporal ?? variables.address;
  if (address) return { address, namespace: namespace ?? "default", named: true };
  if (flags.server ?? readClientConfig().server) return null;
  const stack = findStack(folder);
  if (!stack?.temporal) return null;
  return { address: stack.temporal, namespace: namespace ?? stack.namespace ?? "default", named: false };
}
