/**
 * The least that tells a change of a database to everyone who watches: a bare `node:http` server, one LISTEN, one query for each
 * notification, one buffer that is written to every response. It knows no cursor, no slow watcher and no end.
 *
 * node bare-server.ts DATABASE_URL
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { answerQuestions } from "../support/answer-questions.ts";
import { BARE_CHANNEL, readChange } from "./bare-changes.ts";

/** As the gateway sends them. */
const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  Connection: "keep-alive",
  "X-Accel-Buffering": "no",
};

const [url = ""] = process.argv.slice(2);
const [reader, listener] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
const watchers = new Set<ServerResponse>();
let newest = frame(0, {});

const server = createServer((_, response) => {
  response.writeHead(200, HEADERS);
  response.write(newest);
  watchers.add(response);
  response.once("close", () => watchers.delete(response));
});

let telling: Promise<void> = Promise.resolve();
listener.on("notification", ({ payload = "" }) => {
  telling = telling.then(async () => {
    newest = frame(Number(payload), await readChange(reader, Number(payload)));
    for (const response of watchers) response.write(newest);
  });
});

function frame(id: number, data: unknown): Buffer {
  return Buffer.from(`id: ${id}\nevent: job_update\nretry: 2000\ndata: ${JSON.stringify(data)}\n\n`);
}

answerQuestions({
  async listen() {
    await reader.connect();
    await listener.connect();
    await listener.query(`listen ${BARE_CHANNEL}`);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  },
});
