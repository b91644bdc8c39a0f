/** What the worker writes into documents leads to the gateway, whichever port that got. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DocumentGenerationResult } from "../../contract/document-generation.ts";
import { createPlatenClient } from "../../src/client/client.ts";
import { endLeftovers } from "../../src/dev/children.ts";
import type { StackFile } from "../../src/dev/stack-file.ts";
import { readStackFile, runStack } from "../support/embedded-stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-stack-"));
});
afterAll(async () => {
  await endLeftovers(folder);
  await rm(folder, { recursive: true, force: true });
});

/** What the stack has noted of the first process of the name. */
async function pidOf(name: string): Promise<number> {
  for (;;) {
    const notes = await readFile(join(folder, "processes.ndjson"), "utf8").catch(() => "");
    for (const line of notes.split("\n").slice(0, -1)) {
      const note = JSON.parse(line) as { name: string; pid: number };
      if (note.name === name) return note.pid;
    }
    await new Promise(setImmediate);
  }
}

/** Listens on the port that the gateway was told, before it does: loading its program takes it half a second. */
async function snatchPort(): Promise<{ port: number; holder: Server }> {
  const environment = await readFile(`/proc/${await pidOf("gateway")}/environ`, "utf8");
  const port = Number(/PLATEN_GATEWAY_PORT=(\d+)/.exec(environment)![1]);
  const holder = createServer().listen(port, "127.0.0.1");
  await once(holder, "listening");
  return { port, holder };
}

/** The text of the report on the sample's release. */
async function report({ gateway, api_keys }: StackFile): Promise<string> {
  const headers = { authorization: `Bearer ${api_keys.admin}`, "content-type": "application/json" };
  const payload = { format: "document", title: "Report", project: "harbour-town", version: 1, report: "release" };
  const body = JSON.stringify({ type: "document_generation", payload });
  const accepted = await fetch(`${gateway}/jobs`, { method: "POST", headers, body });
  const { job_id } = (await accepted.json()) as { job_id: string };
  const client = createPlatenClient({ url: gateway, apiKey: api_keys.viewer });
  for await (const event of client.watchJob(job_id)) if (event.type === "final") break;
  const { artifact } = (await client.job(job_id)).result as unknown as DocumentGenerationResult;
  const answer = await fetch(`${gateway}/artifacts/${artifact.id}/download`, { headers });
  const parts = unzipSync(new Uint8Array(await answer.arrayBuffer()));
  return Buffer.from(parts["word/document.xml"]!).toString();
}

const skip = process.platform !== "linux";

test(
  "links in documents are right after the gateway's port was snatched away, however slowly",
  { timeout: 120_000, skip },
  async () => {
    const stack = runStack(folder);
    const { port, holder } = await snatchPort();
    await stack.until("Serving until Ctrl-C.");
    const file = await readStackFile(folder);
    expect(file.gateway).not.toBe(`http://127.0.0.1:${port}`);
    const text = await report(file);
    expect(text).toContain(`${file.gateway}/dev/harbour-town/release.json`);
    expect(text).not.toContain(`http://127.0.0.1:${port}/`);
    stack.signal("SIGINT");
    expect(await stack.ended).toBe(0);
    holder.close();
  },
);
