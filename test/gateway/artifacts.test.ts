import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { downloadUrl } from "../../src/artifacts/signed-link.ts";
import { query } from "../../src/db.ts";
import { createDraft, queueJob } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

const [OLD, NEW] = ["an old secret of thirty-two chars.", "a new secret of thirty-two chars."];
const BYTES = Buffer.from("0123456789");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

let room: GatewayRoom;
beforeAll(async () => {
  const settings = { PLATEN_SIGNING_SECRETS: `${NEW}, ${OLD}`, PLATEN_DOWNLOAD_SECONDS: "60" };
  room = await startGatewayRoom({ executions: scriptedExecutions(), settings });
});
afterAll(() => room?.close());

async function keep(
  artifact: { name?: string; media_type?: string; expires_at?: string; job_id?: string } = {},
): Promise<string> {
  const { id } = await keepArtifact(
    { db: room.database.em.fork(), store: room.stores.private },
    {
      ...{ id: randomUUID(), tenant_id: room.tenant_id, tenant: "harbour", kind: "result", job_id: null },
      ...{ project_id: null, name: "plan.pdf", media_type: "application/pdf", created_by: null, expires_at: null },
      ...artifact,
    },
    BYTES,
  );
  return id;
}

/** Path and query: the room's public URL leads nowhere. */
const pathOf = (url: string): string => url.replace("http://platen.test", "");
const open = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> =>
  room.call(method, path, { key: "", headers });
const linkTo = async (id: string): Promise<string> =>
  pathOf((await room.call("GET", `/artifacts/${id}`, { key: room.keys.viewer })).body.download_url);

describe("an artifact", () => {
  it("is described to its tenant, with a link that opens without a key", async () => {
    const id = await keep();
    const { status, headers, body } = await room.call("GET", `/artifacts/${id}`, { key: room.keys.viewer });
    expect([status, headers.get("Cache-Control")]).toEqual([200, "no-store"]);
    expect(body).toMatchObject({ id, kind: "result", name: "plan.pdf", size: 10, sha256: SHA256, expires_at: null });
    expect(body.download_url).toMatch(
      /^http:\/\/platen\.test\/artifacts\/[0-9a-f-]{36}\/download\?expires=\d+&signature=[\w-]{43}$/,
    );
    expect(Date.parse(body.download_url_expires_at) - Date.now()).toBeGreaterThan(59_000);

    const answer = await open(pathOf(body.download_url));
    expect([answer.status, String(answer.body)]).toEqual([200, "0123456789"]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/pdf",
      "content-length": "10",
      "content-disposition": 'attachment; filename="plan.pdf"',
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "private, no-cache",
      "accept-ranges": "bytes",
      etag: `"${SHA256}"`,
    });
  });

  it("opens with a key of its tenant as well, and is nobody else's", async () => {
    const id = await keep();
    expect((await room.call("GET", `/artifacts/${id}/download`, { key: room.keys.viewer })).status).toBe(200);
    for (const path of [`/artifacts/${id}`, `/artifacts/${id}/download`]) {
      const foreign = await room.call("GET", path, { key: room.keys.foreign });
      expect([foreign.status, foreign.body.code]).toEqual([404, "artifact_not_found"]);
      expect((await open(path)).body.code).toBe("unauthenticated");
    }
  });

  it("is the download of the job that made it", async () => {
    const job_id = await queueJob(room, await createDraft(room));
    const id = await keep({ job_id });
    await query(room.database.em.fork(), `update jobs set result = $1::jsonb where id = $2`, [
      JSON.stringify({ artifact: { id } }),
      job_id,
    ]);
    const { body } = await room.call("GET", `/jobs/${job_id}`);
    expect(body.result_url).toBe(body.download_url);
    expect((await open(pathOf(body.download_url))).status).toBe(200);
  });
});

describe("a link", () => {
  it("that was tampered with, or belongs to another artifact, opens nothing", async () => {
    const [id, other] = [await keep(), await keep()];
    const link = await linkTo(id);
    const signature = link.slice(link.indexOf("signature="));
    for (const path of [
      link.replace(id, other),
      link.replace(/expires=\d+/, "expires=99999999999"),
      link.replace(/expires=\d+/, "expires=1e9"),
      link.slice(0, -1),
      link.replace(/signature=.*/, "signature="),
      link.replace(/&signature=.*/, ""),
      `/artifacts/${id}/download?${signature}`,
    ]) {
      const { status, body } = await open(path);
      expect([path, status, body.code]).toEqual([path, 403, "link_invalid"]);
    }
  });

  it("expires, which is told with what to do, and can be renewed", async () => {
    const id = await keep();
    const old = pathOf(downloadUrl(room.config, id, Date.now() - 3_600_000));
    const { status, body } = await open(old);
    expect([status, body.code]).toEqual([410, "link_expired"]);
    expect(body.detail).toContain(`GET /artifacts/${id}`);
    expect((await open(await linkTo(id))).status).toBe(200);
  });

  it("goes on when the secret is changed, until the old one is taken out", async () => {
    const id = await keep();
    const { PLATEN_PUBLIC_URL, PLATEN_DOWNLOAD_SECONDS } = room.config;
    const by = (secret: string): string =>
      pathOf(downloadUrl({ PLATEN_PUBLIC_URL, PLATEN_DOWNLOAD_SECONDS, PLATEN_SIGNING_SECRETS: [secret] }, id));
    expect(await linkTo(id)).toBe(by(NEW));
    expect((await open(by(OLD))).status).toBe(200);
    expect((await open(by("a third secret of thirty-two chars"))).status).toBe(403);
  });

  it("to what has expired, or whose bytes are gone, says that there is none", async () => {
    const expired = await keep({ expires_at: new Date(Date.now() - 1_000).toISOString() });
    expect((await open(pathOf(downloadUrl(room.config, expired)))).body.code).toBe("artifact_not_found");
    const lost = await keep();
    await room.stores.private.delete(`harbour/artifacts/${lost}`);
    expect((await open(await linkTo(lost))).body.code).toBe("artifact_not_found");
  });
});

describe("the bytes", () => {
  it("come in parts, and only of the same file", async () => {
    const link = await linkTo(await keep());
    const part = await open(link, { Range: "bytes=2-4" });
    expect([part.status, part.headers.get("Content-Range"), String(part.body)]).toEqual([206, "bytes 2-4/10", "234"]);
    const same = await open(link, { Range: "bytes=8-", "If-Range": `"${SHA256}"` });
    expect([same.status, String(same.body)]).toEqual([206, "89"]);
    const other = await open(link, { Range: "bytes=8-", "If-Range": '"another"' });
    expect([other.status, other.headers.get("Content-Length")]).toEqual([200, "10"]);
    const outside = await open(link, { Range: "bytes=10-" });
    expect([outside.status, outside.headers.get("Content-Range")]).toEqual([416, "bytes */10"]);
  });

  it("are only asked about by HEAD, and not sent to who has them", async () => {
    const link = await linkTo(await keep());
    const head = await open(link, {}, "HEAD");
    expect([head.status, head.body, head.headers.get("Content-Length")]).toEqual([200, "", "10"]);
    const again = await open(link, { "If-None-Match": `"${SHA256}"` });
    expect([again.status, again.body]).toEqual([304, ""]);
  });
});

/** A name, and the header that carries it (RFC 6266, 8187). */
const NAMES: [name: string, header: string][] = [
  ["Übersicht.pdf", "attachment; filename=\"?bersicht.pdf\"; filename*=UTF-8''%C3%9Cbersicht.pdf"],
  [
    "خطة الميناء.pdf",
    "attachment; filename=\"??? ???????.pdf\"; filename*=UTF-8''%D8%AE%D8%B7%D8%A9%20%D8%A7%D9%84%D9%85%D9%8A%D9%86%D8%A7%D8%A1.pdf",
  ],
  ["港の計画.xlsx", "attachment; filename=\"????.xlsx\"; filename*=UTF-8''%E6%B8%AF%E3%81%AE%E8%A8%88%E7%94%BB.xlsx"],
  ["🗺️.pdf", "attachment; filename=\"???.pdf\"; filename*=UTF-8''%F0%9F%97%BA%EF%B8%8F.pdf"],
  ['a"b;c.pdf', 'attachment; filename="a b;c.pdf"'],
  ["a\r\nSet-Cookie: x=1.pdf", 'attachment; filename="a Set-Cookie x=1.pdf"'],
  ["../../etc/passwd", 'attachment; filename="etc passwd"'],
  ["..\\..\\boot.ini", 'attachment; filename="boot.ini"'],
  ["invoice\u202Efdp.exe", 'attachment; filename="invoice fdp.exe"'],
  ["50% of it.pdf", 'attachment; filename="50% of it.pdf"'],
  ["\u0000", 'attachment; filename="download"'],
  ["...", 'attachment; filename="download"'],
  ["con.pdf", 'attachment; filename="_con.pdf"'],
  [`${"x".repeat(5_000)}.pdf`, `attachment; filename="${"x".repeat(196)}.pdf"`],
];

it.each(NAMES)("a name comes in every script, and as nothing but a name: %s", async (name, header) => {
  // PostgreSQL keeps no NUL: what makes names leaves none in.
  const link = await linkTo(await keep({ name: name.replaceAll("\0", "\u0001") }));
  expect((await open(link)).headers.get("Content-Disposition")).toBe(header);
});
