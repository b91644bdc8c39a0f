/** Looks up what a specification names: overlays, pictures, the map. What is large goes into files. */
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import {
  MAX_PICTURE_BYTES_IN_ALL,
  type DocumentSpecification,
  type Table,
} from "../../contract/document-specification.ts";
import type { Problem } from "../../contract/problem.ts";
import { findArtifact } from "../artifacts/artifact-store.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Version } from "../projects/version-store.ts";
import { artifactKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { cleanText } from "./clean-text.ts";
import { invalid } from "./check-specification.ts";
import { mapView } from "./map-view.ts";
import { fieldOf, overlaysOf } from "./overlays-of.ts";
import type { RawPicture } from "./prepare-picture.ts";
import type { RenderOrder } from "./render-document.ts";
import { directionOf, type ResolvedTable } from "./resolved-document.ts";

export interface ResolveOrder {
  /** One view of the database for all of it. */
  db: Db;
  store: ObjectStore;
  tenant_id: string;
  /** Null where the document is about none. */
  version: Version | null;
  title: string;
  created_at: string;
  specification: DocumentSpecification;
  /** JSON pointer of the specification, for what is wrong with it. */
  path: string;
  folder: string;
  signal: AbortSignal;
  leaveOut: (what: string) => void;
  report(message: string): void;
}

/** Bytes of a picture that somebody brought. */
const MAX_PICTURE_BYTES = 52_428_800;

/** Errors: specification_invalid, for pictures and versions that are not there; document_too_large, for pictures of too many bytes. */
export async function resolveDocument(order: ResolveOrder): Promise<RenderOrder["document"]> {
  const { specification, path, version, folder, report } = order;
  const language = specification.language ?? "en";
  const problems: Problem[] = [];
  const blocks: RenderOrder["document"]["blocks"] = [];
  const brought = new Map<string, Brought>();
  for (const [index, block] of specification.content.entries()) {
    order.signal.throwIfAborted();
    const at = `${path}/content/${index}`;
    if (needsVersion(block) && !version) {
      const message = `a ${block.type} of a version needs project and version in the job's payload`;
      problems.push({ code: "version_missing", path: at, message });
    } else if (block.type === "table") {
      if (block.source) report("Reading overlays");
      const file = join(folder, `rows-${index}.ndjson`);
      blocks.push(block.source ? await overlayTable(order, block, file, language) : plainTable(block));
    } else if (block.type === "map_view") {
      report("Drawing the map");
      blocks.push(await mapView({ ...order, version: version!, view: block, language }));
    } else if (block.type === "qr_code") {
      const { type: _, text, ...about } = block;
      blocks.push({ ...about, type: "raw_picture", source: { kind: "qr_code", text, path: `${at}/text` }, width: 40 });
    } else if (block.type === "picture") {
      const found = await fetchPicture(order, block.artifact, brought, at);
      if ("code" in found) problems.push(found);
      else {
        const { type: _, artifact: __, ...about } = block;
        blocks.push({ ...about, ...found });
      }
    } else blocks.push(block);
  }
  if (problems.length > 0) throw invalid(problems);
  return {
    ...{
      title: cleanText(order.title),
      language,
      direction: directionOf(specification),
      created_at: order.created_at,
      blocks,
    },
    time_zone: specification.time_zone ?? "UTC",
    page: { size: specification.page?.size ?? "A4", orientation: specification.page?.orientation ?? "portrait" },
  };
}

const needsVersion = (block: DocumentSpecification["content"][number]): boolean =>
  block.type === "map_view" || (block.type === "table" && block.source !== undefined);

function plainTable({ title, columns, rows = [] }: Table): ResolvedTable {
  return { type: "table", columns, rows, ...(title === undefined ? {} : { title }) };
}

/** One line per overlay. */
async function overlayTable(order: ResolveOrder, table: Table, file: string, language: string): Promise<ResolvedTable> {
  const output = createWriteStream(file);
  const written = finished(output);
  // It may fail while nobody waits for it yet.
  written.catch(() => undefined);
  let count = 0;
  for await (const overlay of overlaysOf(order.db, order.version!.id, order.signal)) {
    const cells = table.columns.map(({ field }) => fieldOf(overlay, field!, language));
    if (!output.write(`${JSON.stringify(cells)}\n`)) await Promise.race([once(output, "drain"), written]);
    count += 1;
  }
  output.end();
  await written;
  return { ...plainTable(table), rows: { file, count } };
}

/** A picture in a file, however many blocks show it. */
interface Brought {
  file: string;
  /** Bytes. */
  size: number;
}

/** Of any artifact's form. */
export const isArtifactId = (id: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);

/** Error: document_too_large. */
async function fetchPicture(
  { db, store, tenant_id, folder }: ResolveOrder,
  id: string,
  brought: Map<string, Brought>,
  at: string,
): Promise<Pick<RawPicture, "type" | "source"> | Problem> {
  const path = `${at}/artifact`;
  const had = brought.get(id.toLowerCase());
  if (had) return { type: "raw_picture", source: { kind: "file", file: had.file, path } };
  const artifact = isArtifactId(id) ? await findArtifact(db, { tenant_id, id }) : null;
  if (artifact && artifact.size <= MAX_PICTURE_BYTES) demandRoom(brought, artifact, path);
  const found =
    artifact && artifact.size <= MAX_PICTURE_BYTES ? await store.get(artifactKey(artifact.tenant, artifact.id)) : null;
  if (found) {
    const file = join(folder, `brought-${brought.size}`);
    brought.set(id.toLowerCase(), { file, size: artifact!.size });
    await pipeline(found.body, createWriteStream(file));
    return { type: "raw_picture", source: { kind: "file", file, path } };
  }
  if (artifact && artifact.size > MAX_PICTURE_BYTES) {
    const message = `The artifact has ${artifact.size} bytes, more than ${MAX_PICTURE_BYTES} for a picture`;
    return { code: "picture_too_large", path, message };
  }
  return { code: "picture_missing", path, message: "There is no such artifact", value: id };
}

/** Before it is fetched. Error: document_too_large, told with the block that is one too many. */
function demandRoom(brought: ReadonlyMap<string, Brought>, artifact: { size: number }, path: string): void {
  const bytes = [...brought.values()].reduce((sum, { size }) => sum + size, artifact.size);
  if (bytes <= MAX_PICTURE_BYTES_IN_ALL) return;
  const message = `with this one the pictures have ${bytes} bytes, more than ${MAX_PICTURE_BYTES_IN_ALL} in all`;
  const facts = { what: `pictures of ${bytes} bytes in all`, limit: MAX_PICTURE_BYTES_IN_ALL };
  throw new AppError("document_too_large", facts, { problems: [{ code: "document_too_large", path, message }] });
}
