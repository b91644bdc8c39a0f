/** Which server to speak to, and with which key: flag, then environment, then the stack that runs here. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isAddress, isApiKey } from "../client/connection.ts";
import { readClientConfig } from "../config.ts";
import { masked } from "../errors.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

export interface ServerAddress {
  /** Without a slash at its end. */
  url: string;
  apiKey: string;
}

interface Stack {
  gateway: string;
  api_keys: { admin: string };
  /** host:port of Temporal's frontend. */
  temporal?: string;
  namespace?: string;
  /** `postgresql://` URL with its password. */
  database?: string;
  /** Folder of the object store. */
  store?: string;
}

/** `.platen/stack.json` of `folder` or the nearest parent that has one; it exists only while a stack is up. */
export function findStack(folder: string): Stack | null {
  for (let at = folder; ; at = dirname(at)) {
    const stack = readStack(join(at, ".platen", "stack.json"));
    if (stack || dirname(at) === at) return stack;
  }
}

function readStack(path: string): Stack | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // None here, or another user's: a parent may have one.
    return null;
  }
  try {
    const { gateway, api_keys, ...more } = JSON.parse(text) as Partial<Stack>;
    if (gateway && api_keys?.admin) return { ...more, gateway, api_keys };
  } catch {
    // Falls through: it is being written, or was cut short when its stack was killed.
  }
  throw new CliError(EXIT.usage, "stack_unreadable", `${path} cannot be read.`, {
    lines: ["Stop the stack and start it again (`npm start`), or name a server with --server and --api-key."],
  });
}

/**
 * Errors: exit code 2 when no server or no key is named. The key of the stack is sent to that stack only, never to a
 * server that was named otherwise.
 */
export function findServer(flags: { server?: string; apiKey?: string }, folder: string = process.cwd()): ServerAddress {
  const named = readClientConfig();
  const url = flags.server ?? named.server;
  const key = flags.apiKey ?? named.apiKey;
  const stack = url && key ? null : findStack(folder);
  const chosen = url ?? stack?.gateway;
  if (!chosen) {
    throw new CliError(EXIT.usage, "no_server", "No server is named, and no stack runs in this folder or above it.", {
      lines: ["Start one with `npm start`, or name one with --server URL or PLATEN_SERVER."],
    });
  }
  const address = trimmed(chosen);
  const ownKey = stack && trimmed(stack.gateway) === address ? stack.api_keys.admin : undefined;
  const apiKey = key ?? ownKey;
  if (!apiKey) {
    throw new CliError(EXIT.usage, "no_api_key", `There is no API key for ${address}.`, {
      lines: ["Give one with --api-key KEY or PLATEN_API_KEY."],
    });
  }
  if (!isApiKey(apiKey)) {
    throw new CliError(EXIT.usage, "api_key_invalid", "The API key holds what no key holds.", {
      lines: ["Give it as it was created, `pk_…`, without spaces and line ends around it."],
    });
  }
  return { url: address, apiKey };
}

function trimmed(url: string): string {
  if (!isAddress(url)) {
    throw new CliError(EXIT.usage, "server_invalid", `${JSON.stringify(masked(url))} is no address of a gateway.`, {
      lines: ["Give one like http://127.0.0.1:8080: http or https, no user, no query, no fragment."],
    });
  }
  return url.replace(/\/+$/, "");
}
