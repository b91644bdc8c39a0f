import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendRaw, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ settings: { PLATEN_MAX_JSON_BYTES: "2048" } });
});
afterAll(() => room?.close());

const post = (body: string, headers: Record<string, string> = {}) => room.call("POST", "/jobs", { body, headers });

describe("a body", () => {
  it.each([
    ['{"type": publish}', 'unexpected "p" at line 1, column 10, near "{\\"type\\": publish}"'],
    ['{"type": "publish"', 'it ends too early, at line 1, column 19, after "{\\"type\\": \\"publish\\""'],
    ['{\n"é": 1,}', 'unexpected "}" at line 2, column 8'],
    ["[1] [2]", 'unexpected "[" at line 1, column 5'],
    ['"in JSON at position 3', "it ends too early, at line 1, column 23"],
  ])("that is not JSON (%s) is refused with the place and what is there", async (body, reason) => {
    const answer = await post(body);
    expect(answer.body).toMatchObject({ code: "malformed_json", status: 400 });
    expect(answer.body.facts.reason).toContain(reason);
    expect(answer.body.detail).toBe(
      `The body cannot be read as JSON: ${answer.body.facts.reason}. ${answer.body.action}`,
    );
  });

  it("that is nested without end and broken is a client's error, whatever its size", async () => {
    const large = await startGatewayRoom();
    try {
      for (const body of ["[".repeat(500_000), `${"[".repeat(500_000)}x`, '{"a":'.repeat(200_000)]) {
        const answer = await large.call("POST", "/jobs", { body });
        expect(answer.body).toMatchObject({ status: 400, code: "malformed_json" });
      }
    } finally {
      await large.close();
    }
  });

  it("that is not UTF-8, not JSON by its type, compressed or too large is refused before anything else", async () => {
    const bytes = Buffer.concat([Buffer.from('{"type": "'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const answer = await fetch(`${room.url}/jobs`, {
      method: "POST",
      headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": "application/json" },
      body: bytes,
    });
    expect(await answer.json()).toMatchObject({ code: "malformed_json", detail: expect.stringContaining("UTF-8") });
    expect((await post("a=b", { "Content-Type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await post("{}", { "Content-Type": "application/json; charset=latin1" })).status).toBe(415);
    expect((await post("{}", { "Content-Encoding": "gzip" })).status).toBe(415);
    const large = await post(JSON.stringify({ type: "x".repeat(5_000) }));
    expect(large.body).toMatchObject({ code: "body_too_large", status: 413, facts: { limit: 2_048 } });
  });

  it("lists every wrong field with its place, what was sent and what is expected", async () => {
    const { body } = await room.call("POST", "/jobs", {
      body: { type: "publish", payload: { version: "one", target_environment: "moon", colour: "red" } },
    });
    expect(body).toMatchObject({ code: "invalid_request", status: 400 });
    expect(body.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ in: "body", code: "required", path: "/payload/project" }),
        expect.objectContaining({ in: "body", code: "invalid_type", path: "/payload/version", value: "one" }),
        expect.objectContaining({
          in: "body",
          code: "invalid_value",
          path: "/payload/target_environment",
          value: "moon",
          message: '"moon" is not one of dev, staging, production',
        }),
        expect.objectContaining({ in: "body", code: "unknown_field", path: "/payload/colour", value: "red" }),
      ]),
    );
    expect(body.errors).toHaveLength(4);
  });

  it.each([
    ["an array", "[]"],
    ["null", "null"],
    ["a number", "1e999"],
    ["a NUL", '{"type": "a\\u0000b"}'],
    ["half a surrogate pair", '{"type": "\\ud800"}'],
    ["a prototype", '{"type": "publish", "__proto__": {"project": "x"}}'],
    ["a constructor", '{"type": "constructor"}'],
    ["deep nesting", `{"type": "publish", "payload": ${'{"a":'.repeat(300)}1${"}".repeat(300)}}`],
  ])("with %s is a client's error, never ours", async (_, body) => {
    expect((await post(body)).status).toBe(400);
  });

  it("that breaks off changes nothing and takes nothing down", async () => {
    const raw = sendRaw(room.url, [
      "POST /jobs HTTP/1.1",
      `Authorization: Bearer ${room.keys.admin}`,
      "Content-Type: application/json",
      "Content-Length: 100",
    ]);
    raw.socket.write('{"type": "pub');
    raw.socket.end();
    await once(raw.socket, "close");
    expect((await room.call("GET", "/jobs")).body.jobs).toEqual([]);
  });
});

describe("a path", () => {
  it.each([
    ["/nowhere", 404],
    ["/jobs/%zz", 404],
    ["/jobs/%ff", 404],
    ["/jobs/%00", 404],
    ["/jobs/invalid", 404],
    ["/jobs/00000000-0000-0000-0000-000000000000", 404],
    [`/jobs/job_${"0".repeat(32)}`, 404],
    ["/jobs/%2e%2e%2fetc", 404],
    ["/projects/none/releases", 404],
    ["/projects/none/versions/1/publish/validate", 404],
    ["/projects/none/versions/99999999999999999999/publish/validate", 400],
    ["/projects/none/versions/one/publish/validate", 400],
    ["/projects/none/versions/0x1", 400],
    ["/projects/none/versions/1e0", 400],
    ["/projects/none/versions/%201", 400],
    ["/projects/none/versions/1.0", 400],
    ["/projects/none/versions/+1", 400],
    ["/projects/none/versions/1?colour=red", 400],
    ["/projects/none?colour=red", 400],
    ["/healthz?colour=red", 400],
    ["/projects?limit=0x10", 400],
    ["/projects?limit=", 400],
    ["/projects/none/versions/1/overlays?after=1e0", 400],
    ["/projects/none/releases?limit=%0a5", 400],
    ["/jobs?limit=1e1", 400],
    ["/jobs?limit=0", 400],
    ["/jobs?limit=201", 400],
    ["/jobs?limit=1e400", 400],
    ["/jobs?status=sleeping", 400],
    ["/jobs?status=queued&status=running", 400],
    ["/jobs?colour=red", 400],
    ["/jobs?project=%00", 400],
    ["/jobs?cursor=abc", 400],
    [`/jobs?cursor=${Buffer.from("2026-13-45 00:00:00+00|x").toString("base64url")}`, 400],
    [`/jobs/${"x".repeat(5_000)}`, 404],
  ])("GET %s → %i", async (path, status) => {
    const { status: got, body } = await room.call("GET", path);
    expect([got, body.status]).toEqual([status, status]);
    expect(body.detail.length).toBeGreaterThan(20);
  });

  it("whose version or limit is no number in digits says what may be there", async () => {
    const { body } = await room.call("GET", "/projects/none/versions/0x1");
    expect(body.errors).toMatchObject([
      { in: "path", path: "/version", value: "0x1", message: "must be a whole number from 1 to 2147483647, in digits" },
    ]);
  });

  const id = "01998000-0000-7000-8000-000000000001";
  it.each([
    "2026-02-31 00:00:00+00",
    "2026-01-01 00:00:00+99",
    "0000-01-01 00:00:00+00",
    "2026-01-01 24:00:00+00",
    "2026-01-01 00:00:60+00",
    "2026-13-01 00:00:00+00",
    "2026-01-01",
  ])("with a cursor that was made up (%s) says so", async (moment) => {
    const cursor = Buffer.from(`${moment}|${id}`).toString("base64url");
    const { status, body } = await room.call("GET", `/jobs?cursor=${cursor}`);
    expect([status, body.errors?.[0]?.code]).toEqual([400, "invalid_cursor"]);
    expect(body.detail).toContain("the cursor is not one that this list gave");
  });

  it.each(["2026-11-23 05:01:38.015123+00", "2026-02-28 23:59:59-05:30", "2024-02-29 00:00:00+14"])(
    "with a cursor that PostgreSQL could have made (%s) is answered",
    async (moment) => {
      const cursor = Buffer.from(`${moment}|${id}`).toString("base64url");
      expect((await room.call("GET", `/jobs?cursor=${cursor}`)).status).toBe(200);
    },
  );

  it("that exists with other methods names them", async () => {
    const { status, headers, body } = await room.call("DELETE", "/jobs");
    expect([status, body.code, headers.get("Allow")]).toEqual([405, "method_not_allowed", "POST, HEAD, GET, OPTIONS"]);
    const options = await room.call("OPTIONS", "/api/jobs", { key: "" });
    expect([options.status, options.headers.get("Access-Control-Allow-Origin")]).toEqual([204, null]);
  });

  it("answers at / and at /api alike, and HEAD without a body", async () => {
    expect((await room.call("GET", "/api/jobs")).body).toEqual({ jobs: [], next_cursor: null });
    const head = await room.call("HEAD", "/jobs");
    expect([head.status, head.body, head.headers.get("Content-Length")]).toEqual([200, "", "30"]);
  });

  it("keeps a harmless request id of the caller and replaces a harmful one", async () => {
    const given = await room.call("GET", "/healthz", { headers: { "X-Request-Id": "mine-1" } });
    expect(given.headers.get("X-Request-Id")).toBe("mine-1");
    const harmful = await room.call("GET", "/healthz", { headers: { "X-Request-Id": "<script>" } });
    expect(harmful.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("health", () => {
  it("is ready without Temporal, and says that it is missing", async () => {
    expect((await room.call("GET", "/healthz", { key: "" })).body).toEqual({ status: "ok" });
    const { status, body } = await room.call("GET", "/readyz", { key: "" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "degraded",
      missing: ["temporal"],
      checks: { postgresql: { ok: true }, store: { ok: true }, temporal: { ok: false } },
    });
  });
});
