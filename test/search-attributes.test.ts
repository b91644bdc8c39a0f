/** Namespaces of the test's own on the real server: what a server that was started before an attribute existed looks like. */
import { randomBytes } from "node:crypto";
import { Client } from "@temporalio/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SEARCH_ATTRIBUTES } from "../contract/messages.ts";
import { createLog } from "../src/log.ts";
import { ensureSearchAttributes } from "../src/search-attributes.ts";
import { createPublishing, until } from "./support/publishing.ts";
import { testTemporal, type TestTemporal } from "./support/temporal.ts";
import { startWorkerProcess } from "./support/worker-process.ts";

const KEYWORD = 2;
const log = createLog("test", "silent");
let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await testTemporal();
});
afterAll(() => temporal?.close());

/** A namespace that knows `attributes` and no others of its own. */
async function namespaceWith(attributes: string[]): Promise<Client> {
  const { connection } = temporal.client;
  const namespace = `attributes-${randomBytes(4).toString("hex")}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never, nanos: 0 },
  });
  const searchAttributes = Object.fromEntries(attributes.map((name) => [name, KEYWORD]));
  const add = () => connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  // A new namespace takes some seconds to be known everywhere.
  await until("the namespace", () => connection.workflowService.describeNamespace({ namespace }).catch(() => null));
  if (attributes.length > 0) await until("its attributes", () => add().catch(() => null));
  return new Client({ connection, namespace });
}

const listed = async (client: Client): Promise<string[]> => {
  const { namespace } = client.options;
  const known = await client.connection.operatorService.listSearchAttributes({ namespace });
  return Object.keys(known.customAttributes ?? {}).toSorted();
};

it("a namespace of before an attribute gets it, once, however many workers start", async () => {
  const before = Object.values(SEARCH_ATTRIBUTES).filter((name) => !["PlatenFailure", "PlatenVersion"].includes(name));
  const client = await namespaceWith(before);
  const added = await Promise.all(Array.from({ length: 3 }, () => ensureSearchAttributes(client, log)));
  expect(added).toContainEqual(["PlatenVersion", "PlatenFailure"]);
  expect(await listed(client)).toEqual(Object.values(SEARCH_ATTRIBUTES).toSorted());
  expect(await ensureSearchAttributes(client, log)).toEqual([]);
});

it("where they cannot be added, the error says which command does", async () => {
  // A namespace has room for ten keywords.
  const client = await namespaceWith(Array.from({ length: 10 }, (_, index) => `Other${index}`));
  await expect(ensureSearchAttributes(client, log)).rejects.toThrow(
    new RegExp(
      `^The namespace ${client.options.namespace} lacks search attributes, and they could not be added \\(.+\\)\\. ` +
        `.*temporal operator search-attribute create --namespace ${client.options.namespace} --name PlatenProject --type Keyword ` +
        ".*--name PlatenFailure --type Keyword$",
    ),
  );
});

it(
  "a worker that cannot get them does not run: publishes that fail would get stuck on it",
  { timeout: 60_000 },
  async () => {
    const client = await namespaceWith(Array.from({ length: 10 }, (_, index) => `Other${index}`));
    const room = await createPublishing();
    const config = { ...room.config, PLATEN_TEMPORAL_NAMESPACE: client.options.namespace };
    const started = startWorkerProcess({ ...room, config });
    await expect(started).rejects.toThrow(/^the worker ended:\n.*the worker cannot run: .*search-attribute create/s);
    await room.close();
  },
);
