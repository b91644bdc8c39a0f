/** Downloads from a real server that does everything wrong: each a code of its own, and nothing of the URL's secrets in what is told. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { AppError } from "../../src/errors.ts";
import { openDownload, type DownloadOptions } from "../../src/fetch/download.ts";
import { startFileServer, type FileServer } from "./file-server.ts";

const BYTES = Buffer.from(`ref,label\n${"plot-1,One\n".repeat(20_000)}`);
const SECRET = "t0p-s3cret";

/** What the server does next, by path. */
const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  "/fine.csv": (_, response) => response.writeHead(200, { "content-length": BYTES.length }).end(BYTES),
  "/named": (_, response) =>
    response.writeHead(200, { "content-disposition": `attachment; filename*=UTF-8''%D9%82%D8%B7%D8%B9.csv` }).end("x"),
  "/missing": (_, response) => response.writeHead(404).end("no"),
  "/secret": (_, response) => response.writeHead(403).end("no"),
  "/packed": (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
  "/loop": (_, response) => response.writeHead(302, { location: "/loop2" }).end(),
  "/loop2": (_, response) => response.writeHead(302, { location: "/loop" }).end(),
  "/once": (_, response) => response.writeHead(307, { location: "/fine.csv" }).end(),
  "/inside": (_, response) => response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end(),
  "/file": (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/huge": (_, response) => response.writeHead(200, { "content-length": 50_000_000 }).write("x"),
  "/endless": (_, response) => pour(response.writeHead(200)),
  "/silent": (_, response) => response.writeHead(200, { "content-length": 100 }).write("ref"),
  "/mute": () => undefined,
  "/trickle": (_, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write("x"), 20);
    response.once("close", () => clearInterval(drip));
  },
  "/short": (_, response) => {
    response.writeHead(200, { "content-length": BYTES.length });
    response.write(BYTES.subarray(0, 1_000), () => response.destroy());
  },
};

function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

let server: FileServer;
beforeAll(async () => {
  server = await startFileServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const answer = answers[path] ?? answers[`/${path.split("/")[1]}`];
    if (answer) answer(request, response);
    else if (path.startsWith("/many/"))
      response.writeHead(302, { location: `/many/${Number(path.slice(6)) + 1}` }).end();
  });
});
afterAll(() => server?.close());
afterEach(() => void server.asked.splice(0));

const options = (more: Partial<DownloadOptions> = {}): DownloadOptions => ({
  ...{
    allow: ["127.0.0.0/8"],
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    signal: new AbortController().signal,
  },
  ...{ bytes: 10_000_000, idleSeconds: 0.3, totalSeconds: 5, pauses: [1, 1] },
  ...more,
});

async function fetchAll(url: string, more?: Partial<DownloadOptions>): Promise<{ name: string; bytes: Buffer }> {
  const { name, chunks } = await openDownload(url, options(more));
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return { name, bytes: Buffer.concat(parts) };
}

const urlOf = (path: string): string => `${server.url}${path}?token=${SECRET}`;

it("brings the file, its name and its length, and sends nothing that was not asked for", async () => {
  expect((await openDownload(urlOf("/fine.csv"), options())).size).toBe(BYTES.length);
  const { name, bytes } = await fetchAll(urlOf("/fine.csv"));
  expect(name).toBe("fine.csv");
  expect(bytes.equals(BYTES)).toBe(true);
  expect((await fetchAll(urlOf("/named"))).name).toBe("قطع.csv");
  const { host: _, connection: __, ...sent } = server.headers();
  expect(sent).toEqual({ "user-agent": "Platen", accept: "*/*", "accept-encoding": "identity" });
});

const WRONG: [string, string, RegExp, Partial<DownloadOptions>?][] = [
  ["/missing", "url_answered", /answered 404 Not Found/],
  ["/secret", "url_answered", /answered 403 Forbidden/],
  ["/packed", "url_answered", /packed as gzip/],
  ["/loop", "url_redirects", /in a circle/],
  ["/many/0", "url_redirects", /more than 5 times\./],
  ["/inside", "url_refused", /169\.254\.169\.254 is not public/],
  ["/file", "url_refused", /neither http nor https/],
  ["/huge", "url_too_large", /more than 10000000 bytes \(its Content-Length is 50000000\)/],
  ["/endless", "url_too_large", /reading stopped there/],
  ["/silent", "url_too_slow", /sent 3 bytes and then/],
  ["/mute", "url_unreachable", /no answer within 0\.3 s/],
  ["/trickle", "url_too_slow", /less than 1024 bytes a second/],
  ["/trickle", "url_too_slow", /0\.2 s in all/, { totalSeconds: 0.2 }],
  ["/short", "url_broke_off", /ended after 1000 of 220010 bytes/],
];
it.each(WRONG)("%s ends with %s", async (path, code, says, more) => {
  const error = await fetchAll(urlOf(path), more).catch((thrown: unknown) => thrown as AppError);
  expect(error).toBeInstanceOf(AppError);
  const { message, action, facts } = error as AppError;
  expect({ code: (error as AppError).code, message }).toEqual({ code, message: expect.stringMatching(says) });
  expect(JSON.stringify({ message, action, facts })).not.toContain(SECRET);
});

it("what is busy or away is tried three times, and then told", async () => {
  let busy = 2;
  answers["/busy"] = (_, response) => void (busy-- > 0 ? response.writeHead(503).end() : response.end("ref"));
  expect((await fetchAll(urlOf("/busy"))).bytes.toString()).toBe("ref");
  expect(server.asked).toHaveLength(3);
  const away = fetchAll(`http://127.0.0.1:1/?${SECRET}`);
  await expect(away).rejects.toMatchObject({
    code: "url_unreachable",
    facts: { tries: 3, url: "http://127.0.0.1:1/?***" },
  });
});

it("a name is resolved once: what it leads to later is never asked (DNS rebinding)", async () => {
  let times = 0;
  // Public for whoever checks, loopback for whoever connects.
  const rebinding = async () => [{ address: (times += 1) === 1 ? "127.0.0.1" : "127.0.0.2", family: 4 }];
  const url = `http://rebound.example:${server.port}/fine.csv`;
  expect((await fetchAll(url, { resolve: rebinding, allow: ["127.0.0.1/32"] })).bytes.length).toBe(BYTES.length);
  expect(times).toBe(1);
  expect(server.headers().host).toBe(`rebound.example:${server.port}`);
  // Each redirect is a name of its own, and checked.
  times = 0;
  await expect(
    fetchAll(`http://rebound.example:${server.port}/once`, { resolve: rebinding, allow: ["127.0.0.1/32"] }),
  ).rejects.toMatchObject({
    code: "url_refused",
  });
  expect(server.asked.at(-1)).toBe("GET /once");
});

it("loopback is refused unless the configuration allows it", async () => {
  await expect(fetchAll(urlOf("/fine.csv"), { allow: [] })).rejects.toMatchObject({ code: "url_refused" });
  expect(server.asked).toEqual([]);
});

/** Sends the first half, breaks, and then what `rest` says. */
function breakingAt(
  half: number,
  headers: Record<string, string>,
  rest: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  answers["/breaks"] = (request, response) => {
    if (request.headers.range) return rest(request, response);
    const { length = String(BYTES.length), ...others } = headers;
    response.writeHead(200, {
      ...(length === "" ? {} : { "content-length": length }),
      ...{ "accept-ranges": "bytes", ...others },
    });
    response.write(BYTES.subarray(0, half), () => response.destroy());
  };
}
const HALF = 100_000;
const part = (request: IncomingMessage): Buffer => BYTES.subarray(Number(/\d+/.exec(request.headers.range ?? "")?.[0]));
const contentRange = (bytes: Buffer, total = BYTES.length) =>
  `bytes ${BYTES.length - bytes.length}-${BYTES.length - 1}/${total}`;

it("a line that breaks is taken up where it broke, if the file is the same for certain", async () => {
  breakingAt(HALF, { etag: '"v1"' }, (request, response) => {
    const bytes = part(request);
    response.writeHead(206, { etag: '"v1"', "content-range": contentRange(bytes) }).end(bytes);
  });
  const { bytes } = await fetchAll(urlOf("/breaks"));
  expect(bytes.equals(BYTES)).toBe(true);
  expect(server.asked[1]).toMatch(/ bytes=\d+-$/);
  expect(server.headers()["if-range"]).toBe('"v1"');
});

it.each([
  ["whose length was told", true],
  ["whose length is told with the part", false],
])("a part that ends before the file does is followed by the next, of a file %s", async (_, told) => {
  breakingAt(HALF, { etag: '"v1"', ...(told ? {} : { length: "" }) }, (request, response) => {
    const bytes = part(request).subarray(0, 50_000);
    const start = BYTES.length - part(request).length;
    const range = `bytes ${start}-${start + bytes.length - 1}/${BYTES.length}`;
    response.writeHead(206, { etag: '"v1"', "content-range": range, "content-length": bytes.length }).end(bytes);
  });
  expect((await fetchAll(urlOf("/breaks"))).bytes.equals(BYTES)).toBe(true);
  expect(server.asked).toHaveLength(4);
});

it("parts that never come to the file's end are given up: what has come is not taken for the whole", async () => {
  breakingAt(HALF, { etag: '"v1"' }, (request, response) => {
    const start = BYTES.length - part(request).length;
    const range = `bytes ${start}-${start + 9}/${BYTES.length}`;
    response.writeHead(206, { etag: '"v1"', "content-range": range }).end(part(request).subarray(0, 10));
  });
  await expect(fetchAll(urlOf("/breaks"))).rejects.toMatchObject({
    code: "url_broke_off",
    message: expect.stringMatching(/ended after 100050 of 220010 bytes/),
  });
});

it("a name whose server is silent is waited for as long as an answer, and no longer than the job", async () => {
  const resolve = () => Promise.withResolvers<never>().promise;
  const url = "http://silent.example/plots.csv";
  await expect(fetchAll(url, { resolve })).rejects.toMatchObject({
    code: "url_unreachable",
    message: expect.stringMatching(/its name cannot be resolved \(no answer within 300 ms\)/),
  });
  const cancel = new AbortController();
  const reading = fetchAll(url, { resolve, signal: cancel.signal, idleSeconds: 3_600 });
  cancel.abort(new Error("cancelled"));
  await expect(reading).rejects.toThrow("cancelled");
});

const CHANGED: [
  string,
  Record<string, string>,
  (request: IncomingMessage, response: ServerResponse) => void,
  RegExp,
][] = [
  [
    "another ETag",
    { etag: '"v1"' },
    (request, response) =>
      response.writeHead(206, { etag: '"v2"', "content-range": contentRange(part(request)) }).end(part(request)),
    /etag was "v1" and is "v2"/,
  ],
  [
    "another date",
    { "last-modified": "Mon, 23 Nov 2026 10:00:00 GMT" },
    (request, response) =>
      response
        .writeHead(206, {
          "last-modified": "Mon, 23 Nov 2026 10:00:01 GMT",
          "content-range": contentRange(part(request)),
        })
        .end(part(request)),
    /last-modified was/,
  ],
  [
    "another length",
    { etag: '"v1"' },
    (request, response) =>
      response.writeHead(206, { etag: '"v1"', "content-range": contentRange(part(request), 999) }).end(part(request)),
    /it had 220010 bytes and has 999/,
  ],
  [
    "the whole of another file",
    { etag: '"v1"' },
    (_, response) => response.writeHead(200, { etag: '"v2"' }).end(BYTES),
    /not there any more/,
  ],
  ["less than there was", { etag: '"v1"' }, (_, response) => response.writeHead(416).end(), /not there any more/],
];
it.each(CHANGED)("a file that changed while it was read is not put together: %s", async (_, headers, rest, says) => {
  breakingAt(HALF, headers, rest);
  await expect(fetchAll(urlOf("/breaks"))).rejects.toMatchObject({
    code: "url_changed",
    message: expect.stringMatching(says),
  });
});

it("a cancel ends it at once", async () => {
  const cancel = new AbortController();
  const reading = fetchAll(urlOf("/endless"), { signal: cancel.signal, bytes: Number.MAX_SAFE_INTEGER });
  setImmediate(() => cancel.abort(new Error("cancelled")));
  await expect(reading).rejects.toThrow(/cancelled|aborted/);
});
