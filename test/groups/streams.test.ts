/** A group live, over a real gateway and a real worker, as a browser's EventSource sees it. */
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { ledger, until } from "../support/publishing.ts";
import { createGroupRoom, nothing, type GroupRoom } from "./group-room.ts";

let groups: GroupRoom;
let gateway: GatewayRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
  gateway = await startGatewayRoom({ room: groups.room });
  await groups.room.worker();
});
afterAll(async () => {
  await gateway?.close();
  await groups?.room.close();
});

interface Seen {
  event: string;
  id: string;
  data: Record<string, unknown>;
}

/** Until the final event, or until it is closed. */
function listen(path: string, cursor?: string): { seen: Seen[]; ended: Promise<Seen>; close(): void } {
  const seen: Seen[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<Seen>();
  const source = new EventSource(gateway.url + path, {
    fetch: (url, init) => {
      const headers = { ...init.headers, Authorization: `Bearer ${gateway.keys.viewer}` };
      return fetch(url, { ...init, headers: cursor === undefined ? headers : { ...headers, "Last-Event-ID": cursor } });
    },
  });
  for (const event of ["job_update", "member_update", "synced", "job-complete", "job-failed", "job-cancelled"])
    source.addEventListener(event, ({ data, lastEventId }) => {
      const told = { event, id: lastEventId, data: JSON.parse(String(data)) as Record<string, unknown> };
      seen.push(told);
      if (!event.startsWith("job-")) return;
      resolve(told);
      if (path.startsWith("/groups/")) source.close();
    });
  return { seen, ended, close: () => source.close() };
}

async function heldGroup() {
  const group = await groups.begin({ members: [nothing("a"), nothing("b", "a")] }, { start: false });
  const gate = await groups.hold(group, "a");
  await startJob(groups.room.deps, group, 1);
  await gate.reached();
  return { group, gate };
}

describe("the stream of a group", { timeout: 60_000 }, () => {
  it("tells the group's own events with their ids, the members' states beside them, and ends with the group", async () => {
    const { group, gate } = await heldGroup();
    const { seen, ended } = listen(`/groups/${group}/stream`);
    await until("the first states", async () => seen.some(({ event }) => event === "member_update"));
    await gate.open();
    const final = await ended;
    expect(final).toMatchObject({ event: "job-complete", data: { id: group, status: "completed" } });
    const events = await ledger(groups.room, group);
    expect(final.id).toBe(String(events.length));
    const own = seen.filter(({ event }) => event === "job_update");
    expect(own.every(({ data }) => data["id"] === group)).toBe(true);
    // Each end of a member is an event of the group's, which nobody misses.
    const told = own.flatMap(({ data }) => (data["logs"] as { member?: { key: string; status: string } }[]) ?? []);
    const ends = told.flatMap(({ member }) => (member ? [`${member.key} ${member.status}`] : []));
    expect(ends).toEqual(["a completed", "b completed"]);
    const members = seen.filter(({ event }) => event === "member_update");
    expect(new Set(members.map(({ data }) => data["member_key"]))).toEqual(new Set(["a", "b"]));
  });

  it("goes on where it broke off, and is over for who has seen its end", async () => {
    const { group, gate } = await heldGroup();
    await gate.open();
    await groups.room.ended(group, 30_000);
    const last = (await ledger(groups.room, group)).length;
    const { seen, ended } = listen(`/groups/${group}/stream`, "2");
    await ended;
    const ids = seen.filter(({ event, id }) => event !== "member_update" && id !== "").map(({ id }) => Number(id));
    expect([...new Set(ids)]).toEqual(Array.from({ length: last - 2 }, (_, index) => index + 3));
    const headers = { "Last-Event-ID": String(last) };
    expect((await gateway.call("GET", `/groups/${group}/stream`, { headers })).status).toBe(204);
  });
});

describe("the stream of states of a group", { timeout: 60_000 }, () => {
  it("has the group and its members, and no other job", async () => {
    const { group, gate } = await heldGroup();
    const other = await groups.begin({ members: [nothing("x")] });
    const { seen, close } = listen(`/jobs/stream?group=${group}`);
    await until("the greeting", async () => seen.some(({ event }) => event === "synced"));
    await gate.open();
    await groups.room.ended(group, 30_000);
    await groups.room.ended(other, 30_000);
    const ids = new Set(await Promise.all(["a", "b"].map(async (key) => (await groups.member(group, key)).job_id)));
    ids.add(group);
    const completed = () => new Set(seen.filter(({ event }) => event === "job-complete").map(({ data }) => data["id"]));
    await until("all ends to be told", async () => completed().size === ids.size);
    close();
    expect(completed()).toEqual(ids);
    expect(new Set(seen.flatMap(({ data }) => data["id"] ?? []))).toEqual(ids);
  });
});
