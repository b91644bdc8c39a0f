import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Connection } from "@temporalio/client";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { createBreakingProxy, type BreakingProxy } from "../support/breaking-proxy.ts";
import { until } from "../support/publishing.ts";

/** Answers each piece with itself, and notes it. */
let echo: Server;
let heard = "";
let proxy: BreakingProxy;
const opened: Socket[] = [];

beforeAll(async () => {
  echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      heard += String(bytes);
      socket.write(bytes);
    });
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
});
beforeEach(async () => {
  heard = "";
  proxy = await createBreakingProxy();
  await proxy.open((echo.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await proxy.shut();
});
afterAll(() => void echo.close());

/** A client, what it has heard, and how its connection has ended: null as long as it lives. */
async function dial() {
  const socket = connect(proxy.port, "127.0.0.1");
  opened.push(socket);
  const client = { socket, text: "", over: null as string | null };
  socket.setEncoding("utf8").on("data", (text: string) => (client.text += text));
  socket.on("error", (error: NodeJS.ErrnoException) => (client.over = error.code ?? "error"));
  socket.on("close", () => (client.over ??= "closed"));
  await once(socket, "connect");
  return client;
}
const hears = (client: { text: string }, text: string) => until(`"${text}"`, async () => client.text === text, 5_000);

describe("the proxy", () => {
  it("delays what passes, keeps its order, and is as quick as before when that has ended", async () => {
    const client = await dial();
    const end = proxy.delay({ ms: 150, jitterMs: 100 });
    const since = performance.now();
    for (const letter of "abcdef") {
      client.socket.write(letter);
      await new Promise(setImmediate);
    }
    await hears(client, "abcdef");
    expect(performance.now() - since).toBeGreaterThan(300);
    end();
    const again = performance.now();
    client.socket.write("g");
    await hears(client, "abcdefg");
    expect(performance.now() - again).toBeLessThan(300);
  });

  it("swallows: connections are taken, and nothing comes; those that have lost something are reset at the end", async () => {
    const [idle, before] = [await dial(), await dial()];
    const end = proxy.swallow();
    const during = await dial();
    for (const each of [before, during]) each.socket.write("lost");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([before, during].map(({ text, over }) => text + over)).toEqual(["null", "null"]);
    end();
    for (const each of [before, during]) await until("the reset", async () => each.over !== null);
    expect(heard).toBe("");
    idle.socket.write("a");
    await hears(idle, "a");
  });

  it("swallows answers only, and lets them come late", async () => {
    const client = await dial();
    const end = proxy.swallow({ direction: "down", late: true });
    client.socket.write("ab");
    await until("the server to hear it", async () => heard === "ab");
    client.socket.write("c");
    await until("the server to hear that, too", async () => heard === "abc");
    expect(client.text).toBe("");
    end();
    await hears(client, "abc");
  });

  it("resets connections, and takes the next", async () => {
    const client = await dial();
    expect(proxy.reset()).toBe(1);
    await until("the reset", async () => client.over === "ECONNRESET");
    const next = await dial();
    next.socket.write("a");
    await hears(next, "a");
  });

  it("passes half of an answer, then resets; as many answers as it was told", async () => {
    const [client, other] = [await dial(), await dial()];
    proxy.halve(1);
    client.socket.write("abcdef");
    await until("the reset", async () => client.over === "ECONNRESET");
    expect(client.text).toBe("abc");
    other.socket.write("abcdef");
    await hears(other, "abcdef");
  });

  it("loses the answers to what holds a word, which the server has heard", async () => {
    const [client, other] = [await dial(), await dial()];
    const end = proxy.loseAnswersTo("commit");
    other.socket.write("select");
    await hears(other, "select");
    client.socket.write("commit;");
    await until("its end", async () => client.over !== null);
    expect([client.text, heard]).toEqual(["", "selectcommit;"]);
    expect(end()).toBe(1);
    other.socket.write("commit");
    await hears(other, "selectcommit");
  });

  it("refuses, and breaks what is there, until it is opened again", async () => {
    const client = await dial();
    await proxy.shut();
    await until("its end", async () => client.over !== null);
    await expect(dial()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await proxy.open((echo.address() as AddressInfo).port);
    const next = await dial();
    next.socket.write("a");
    await hears(next, "a");
  });

  it("stands before PostgreSQL: a black hole is late or lost, a commit without an answer is committed", async () => {
    const url = new URL(inject("servers").template);
    await proxy.open(Number(url.port));
    url.port = String(proxy.port);
    url.pathname = "/postgres";
    const [client, other] = [new Client(url.href), new Client(url.href)];
    for (const each of [client, other]) {
      each.on("error", () => undefined);
      await each.connect();
    }
    const late = proxy.swallow({ late: true });
    const answer = client.query("select 1 as one");
    setTimeout(late, 300);
    expect((await answer).rows).toEqual([{ one: 1 }]);
    const table = `proxied_${process.pid}`;
    await client.query(`create table ${table} as select 1 as one`);
    await client.query("begin");
    await client.query(`insert into ${table} values (2)`);
    const end = proxy.loseAnswersTo("commit");
    await expect(client.query("commit")).rejects.toThrow(/terminated|reset|closed/i);
    expect(end()).toBe(1);
    expect((await other.query(`select one from ${table} order by one`)).rows).toEqual([{ one: 1 }, { one: 2 }]);
    await other.query(`drop table ${table}`);
    await other.end();
  });

  it("stands before Temporal: a call into a black hole ends by its deadline, and the next one is answered", async () => {
    const { address, namespace } = inject("servers").temporal;
    await proxy.open(Number(address.split(":")[1]));
    const connection = await Connection.connect({ address: `127.0.0.1:${proxy.port}` });
    const describe = (ms: number) =>
      connection.withDeadline(Date.now() + ms, () => connection.workflowService.describeNamespace({ namespace }));
    await describe(5_000);
    const end = proxy.swallow();
    await expect(describe(500)).rejects.toMatchObject({ code: 4 });
    end();
    await until("an answer", () => describe(2_000).catch(() => null));
    await connection.close();
  });
});
