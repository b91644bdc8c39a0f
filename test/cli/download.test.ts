import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { query } from "../../src/db.ts";
import { createServer } from "../../src/cli/server.ts";
import { receiveFile } from "../../src/cli/receive-file.ts";
import { createBreakingProxy } from "../support/breaking-proxy.ts";
import { createDraft, queueJob } from "../support/publishing.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

const BYTES = randomBytes(3_000_000);

let room: CliRoom;
let cwd: string;
beforeAll(async () => {
  room = await createCliRoom();
});
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "platen-download-"));
  return () => rm(cwd, { recursive: true });
});
afterAll(() => room?.close());

/** A job that has made a file. */
async function jobWithFile(name = "Hafen – خطة.pdf"): Promise<{ job: string; id: string }> {
  const job = await queueJob(room, await createDraft(room));
  const { id } = await keepArtifact(
    { db: room.database.em.fork(), store: room.stores.private },
    {
      ...{ id: randomUUID(), tenant_id: room.tenant_id, tenant: "harbour", kind: "result", job_id: job, name },
      ...{ project_id: null, media_type: "application/pdf", created_by: null, expires_at: null },
    },
    BYTES,
  );
  const result = JSON.stringify({ artifact: { id } });
  await query(room.database.em.fork(), `update jobs set result = $1::jsonb where id = $2`, [result, job]);
  return { job, id };
}

it("saves the file under its own name, whole, and no other file stays", async () => {
  const { job } = await jobWithFile();
  const { code, stdout, stderr } = await room.platen(["download", job], { cwd });
  expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: "✓ Hafen – خطة.pdf: 3000000 bytes\n" });
  expect(await readdir(cwd)).toEqual(["Hafen – خطة.pdf"]);
  expect(BYTES.equals(await readFile(join(cwd, "Hafen – خطة.pdf")))).toBe(true);
});

it("replaces no file that is there, but with --force", async () => {
  const { job, id } = await jobWithFile("plan.pdf");
  await writeFile(join(cwd, "mine.pdf"), "mine");
  const refused = await room.platen(["download", job, "-o", "mine.pdf"], { cwd });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^✗ mine\.pdf is there already\.\n/)]);
  expect(await readFile(join(cwd, "mine.pdf"), "utf8")).toBe("mine");
  const forced = await room.platen(["download", job, "-o", "mine.pdf", "--force", "--json"], { cwd });
  expect(forced.json()).toEqual([expect.objectContaining({ file: "mine.pdf", size: 3_000_000, artifact: id })]);
  expect(BYTES.equals(await readFile(join(cwd, "mine.pdf")))).toBe(true);
});

it("never leaves the folder, whatever the file is called", async () => {
  const { job } = await jobWithFile("../../escaped.pdf");
  expect((await room.platen(["download", job], { cwd })).code).toBe(0);
  expect(await readdir(cwd)).toEqual(["escaped.pdf"]);
});

it("says of a job without a file how it stands, and of a folder that is not there that it cannot write", async () => {
  const job = await queueJob(room, await createDraft(room));
  const none = await room.platen(["download", job], { cwd });
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/has made no file: it is queued\./)]);
  const made = await jobWithFile();
  const nowhere = await room.platen(["download", made.job, "-o", "absent/plan.pdf"], { cwd });
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/cannot be written: .*ENOENT/)]);
  expect(await readdir(cwd)).toEqual([]);
});

it("saves another file that the result names, and says which there are", async () => {
  const { job, id } = await jobWithFile("rows.csv.errors.csv");
  const result = JSON.stringify({ rows: 3, errors_artifact: id });
  const sql = `update jobs set job_type = 'bulk_import', environment = null, result = $1::jsonb where id = $2`;
  await query(room.database.em.fork(), sql, [result, job]);
  const none = await room.platen(["download", job], { cwd });
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/made no file: [^]*--file errors_artifact\./)]);
  const other = await room.platen(["download", job, "--file", "changes"], { cwd });
  expect([other.code, other.stderr]).toEqual([1, expect.stringMatching(/has made no file changes: /)]);
  expect((await room.platen(["download", job, "--errors"], { cwd })).code).toBe(0);
  expect((await room.platen(["download", job, "--file", "errors_artifact", "--force"], { cwd })).code).toBe(0);
  expect(await readdir(cwd)).toEqual(["rows.csv.errors.csv"]);
});

it("refuses bytes that are not those of the record, and leaves no file", async () => {
  const { job, id } = await jobWithFile("plan.pdf");
  const other = randomBytes(3_000_000);
  await room.stores.private.put(`harbour/artifacts/${id}`, other);
  const { code, stderr } = await room.platen(["download", job], { cwd });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/should have 3000000 bytes and the SHA-256/)]);
  expect(await readdir(cwd)).toEqual([]);
});

it("goes on where a connection broke, and starts nothing anew", async () => {
  const { id } = await jobWithFile();
  const proxy = await createBreakingProxy();
  await proxy.open(Number(new URL(room.url).port));
  const server = createServer({ url: `http://127.0.0.1:${proxy.port}`, apiKey: room.key }, AbortSignal.timeout(20_000));
  const ranges: (string | undefined)[] = [];
  const request: typeof server.request = (method, path, options) => {
    ranges.push(options?.headers?.["range"]);
    return server.request(method, path, options);
  };
  try {
    proxy.halve(1);
    const artifact = { size: BYTES.length, sha256: createHash("sha256").update(BYTES).digest("hex") };
    const target = { file: join(cwd, "plan.pdf"), force: false };
    const { signal } = new AbortController();
    const path = `/artifacts/${id}/download`;
    await receiveFile({ server: { ...server, request }, path, artifact, target, signal });
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(BYTES.equals(await readFile(target.file))).toBe(true);
  } finally {
    await proxy.shut();
  }
});
