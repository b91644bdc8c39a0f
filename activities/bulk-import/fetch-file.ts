/** Step 1: the file into the private store; an upload is there already. */
import type { BulkImportPayload, FetchedFile } from "../../contract/bulk-import.ts";
import type { StepInput } from "../../contract/job-input.ts";
import { keepInUse, type Artifact } from "../../src/artifacts/artifact-store.ts";
import { keepUpload } from "../../src/artifacts/keep-upload.ts";
import { AppError } from "../../src/errors.ts";
import { openDownload } from "../../src/fetch/download.ts";
import { maskUrl } from "../../src/fetch/mask-url.ts";
import { resolveByName } from "../../src/fetch/resolve-target.ts";
import { demandMine } from "../../src/jobs/protocol/ledger-writes.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { madeIdOf } from "../keep-made.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inStep } from "../steps.ts";

const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Errors: import_source_invalid, upload_not_found, upload_empty, those of `openDownload`: all final. */
export async function fetchFile(deps: ActivityDeps, input: StepInput): Promise<FetchedFile> {
  return inStep(deps, input, { name: "fetch_file", begins: "Fetching the file" }, async (tools) => {
    const { source = {}, file_url } = tools.row.payload as BulkImportPayload;
    const named = [source.artifact, source.url, file_url].filter((each) => each !== undefined);
    if (named.length !== 1) throw new AppError("import_source_invalid", { count: named.length });
    const url = source.url ?? file_url;
    const artifact =
      url === undefined ? await upload(deps, tools, source.artifact ?? "") : await download(deps, tools, url, input);
    const { id, name, media_type, size, sha256 } = artifact;
    await tools.size(size);
    const result = { key: artifactKey(input.target.tenant, id), name, media_type, size, sha256 };
    return { result, message: `${name}: ${size} bytes, ${media_type}` };
  });
}

type File = Pick<Artifact, "id" | "name" | "media_type" | "size" | "sha256">;

async function upload({ database, config }: ActivityDeps, { row }: StepTools, id: string): Promise<File> {
  const key = { tenant_id: row.tenant_id, id, days: config.PLATEN_UPLOAD_DAYS };
  const found = UUID.test(id) ? await keepInUse(database.em.fork(), key) : null;
  if (!found) throw new AppError("upload_not_found", { id });
  return found;
}

/** By each attempt anew: what one that is late still gets of it, when its successor has read the file, lies under an id of its own. */
async function download(deps: ActivityDeps, tools: StepTools, url: string, { target }: StepInput): Promise<File> {
  const { row, grip, signal, report } = tools;
  const { config, database, stores } = deps;
  const db = database.em.fork();
  const id = madeIdOf(grip, "source");
  const { tenant_id, project_id, created_by } = row;
  const { name, size, chunks } = await openDownload(url, {
    ...{ allow: config.PLATEN_FETCH_ALLOW, resolve: resolveByName, signal, bytes: config.PLATEN_MAX_UPLOAD_BYTES },
    ...{ idleSeconds: config.PLATEN_FETCH_IDLE_SECONDS, totalSeconds: config.PLATEN_FETCH_SECONDS },
  });
  const told = maskUrl(url);
  async function* counted(): AsyncGenerator<Buffer> {
    let received = 0;
    for await (const chunk of chunks) {
      received += chunk.byteLength;
      report(size === null ? 0 : received / size, `${received} bytes of ${told}`);
      yield chunk;
    }
  }
  const expires_at = new Date(Date.now() + config.PLATEN_UPLOAD_DAYS * DAY_MS).toISOString();
  const record = {
    ...{ id, tenant_id, tenant: target.tenant, name, expires_at, created_by },
    job_id: row.id,
    project_id,
  };
  return keepUpload({ db, store: stores.private }, record, counted(), signal, (tx) => demandMine(tx, grip));
}
