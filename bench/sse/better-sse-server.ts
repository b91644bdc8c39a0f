/** better-sse on Koa, as its documentation has it: one channel, a session per watcher, a broadcast per POST. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createChannel, createSession } from "better-sse";
import Koa from "koa";
import { answerQuestions } from "../support/answer-questions.ts";

const app = new Koa();
const channel = createChannel();

app.use(async (ctx) => {
  if (ctx.method === "POST") {
    channel.broadcast(JSON.parse(await text(ctx.req)), "job_update");
    ctx.status = 204;
    return;
  }
  ctx.respond = false;
  // Its comments would be counted as frames.
  channel.register(await createSession(ctx.req, ctx.res, { keepAlive: null }));
});

const server = createServer(app.callback());

answerQuestions({
  async listen() {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  },
});
