/** Runs maintenance's tasks as a job does, in this process. */
import { KEEP_ALL, TASKS, type Retention } from "../../src/maintenance/tasks.ts";
import type { Publishing } from "../support/publishing.ts";

export interface Swept {
  removed: Record<string, number>;
  report: Record<string, unknown>[];
}

export async function sweepOnce(
  room: Publishing,
  {
    dry_run = false,
    holder = "sweep/1",
    ...settings
  }: Partial<Retention> & { dry_run?: boolean; holder?: string } = {},
): Promise<Swept> {
  const deps = { ...room.deps, retention: { ...KEEP_ALL, ...settings } };
  const removed: Record<string, number> = {};
  const report: Record<string, unknown>[] = [];
  const { signal } = new AbortController();
  const tenant = { id: room.tenant_id, slug: "harbour" };
  for (const { name, run } of TASKS) {
    const found = (what: Record<string, unknown>): void => void report.push({ task: name, ...what });
    removed[name] = await run({ deps, tenant, holder, dry_run, signal, found, told: () => undefined });
  }
  return { removed, report };
}
