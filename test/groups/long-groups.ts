/** Groups of so many members that their workflow continues as new. */
import { expect } from "vitest";
import { expectSoundLedger } from "../support/chaos-room.ts";
import { jobRow, ledger } from "../support/publishing.ts";
import { countsOf, endsTold, nothing, type GroupRoom } from "./group-room.ts";

const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

/** One after the other: the most events that a group can have. */
export async function longChain(groups: GroupRoom, count: number): Promise<void> {
  const members = keys(count).map((key, index) => nothing(key, ...(index > 0 ? [`m${index - 1}`] : [])));
  const group = await groups.begin({ members });
  await expectWhole(groups, group, count);
  expect(await endsTold(groups, group)).toEqual(keys(count).map((key) => `${key} completed`));
}

/** All at once. */
export async function largeSet(groups: GroupRoom, count: number): Promise<void> {
  const group = await groups.begin({ members: keys(count).map((key) => nothing(key)) });
  await expectWhole(groups, group, count);
  expect(new Set(await endsTold(groups, group)).size).toBe(count);
}

async function expectWhole(groups: GroupRoom, group: string, count: number): Promise<void> {
  const { room } = groups;
  const row = await room.ended(group, 500_000);
  expect(row).toMatchObject({ status: "completed", generation: 1, progress: 100 });
  expect(row.segment).toBeGreaterThan(0);
  const described = await room.temporal.client.workflow.getHandle(`group-${group}`).describe();
  expect(described.memo).toMatchObject({ generation: 1, segment: row.segment });
  // Of every run of the chain: far below what Temporal bears.
  expect(described.historyLength).toBeLessThan(4_096);
  expect(await countsOf(groups, group)).toEqual({ completed: count });
  await expectSoundLedger(room, group, ["completed"]);
  expect((await ledger(room, group)).filter(({ kind }) => kind === "step")).toHaveLength(2);
  const { job_id } = await groups.member(group, `m${count - 1}`);
  expect(await jobRow(room, job_id)).toMatchObject({ status: "completed", generation: 1 });
}
