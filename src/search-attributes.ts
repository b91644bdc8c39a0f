/**
 * What operators list workflows by must exist in the namespace before a worker runs: a workflow that sets an attribute which the
 * server does not know gets no further. A namespace that was made before an attribute gets it here.
 */
import { isGrpcServiceError, type Client } from "@temporalio/client";
import { SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_TYPES } from "../contract/messages.ts";
import { reasonOf } from "./errors.ts";
import type { Log } from "./log.ts";

/** Of `temporal.api.enums.v1.IndexedValueType`. */
const INDEXED_VALUE_TYPES = { Keyword: 2, Int: 3 } as const;
/** gRPC's number: a client that may run workflows only. */
const PERMISSION_DENIED = 7;

interface Attribute {
  name: string;
  type: keyof typeof INDEXED_VALUE_TYPES;
}

const ATTRIBUTES: readonly Attribute[] = (Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[]).map(
  (key) => ({ name: SEARCH_ATTRIBUTES[key], type: SEARCH_ATTRIBUTE_TYPES[key] }),
);

/**
 * Adds what is missing, and answers the names of that. Error: a sentence with the command that adds them, where we may not. Where we
 * may not even look it is taken on trust, with a warning.
 */
export async function ensureSearchAttributes(client: Client, log: Log): Promise<string[]> {
  const { namespace } = client.options;
  let missing: Attribute[];
  try {
    missing = await missingOf(client);
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== (PERMISSION_DENIED as number)) throw error;
    log.warn(
      { command: commandFor(ATTRIBUTES, namespace) },
      "search attributes may not be looked at here. Where one is missing, no publish starts, and one that fails or is cancelled gets stuck at " +
        "its very end; whoever may has to add what is missing with this command",
    );
    return [];
  }
  if (missing.length === 0) return [];
  try {
    const searchAttributes = Object.fromEntries(missing.map(({ name, type }) => [name, INDEXED_VALUE_TYPES[type]]));
    await client.connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    // Another worker that started at the same moment may have been first.
    const left = await missingOf(client);
    if (left.length > 0) {
      throw new Error(
        `The namespace ${namespace} lacks search attributes, and they could not be added (${reasonOf(error)}). ` +
          `Whoever may has to, once: ${commandFor(left, namespace)}`,
        { cause: error },
      );
    }
  }
  const names = missing.map(({ name }) => name);
  log.info({ names }, "search attributes were added to the namespace");
  return names;
}

async function missingOf(client: Client): Promise<Attribute[]> {
  const { namespace } = client.options;
  const known = await client.connection.operatorService.listSearchAttributes({ namespace });
  return ATTRIBUTES.filter(({ name }) => !Object.hasOwn(known.customAttributes ?? {}, name));
}

const commandFor = (attributes: readonly Attribute[], namespace: string): string =>
  [
    `temporal operator search-attribute create --namespace ${namespace}`,
    ...attributes.map(({ name, type }) => `--name ${name} --type ${type}`),
  ].join(" ");
