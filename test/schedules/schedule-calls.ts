/** What tests of schedules ask of the gateway. */
import { expect } from "vitest";
import type { Answer, GatewayRoom } from "../gateway/gateway-room.ts";
import { until } from "../support/publishing.ts";

/** No moment of it comes while a test runs. */
export const NEVER = { cron: "0 0 1 1 *", time_zone: "UTC" };

export function scheduleCalls(room: () => GatewayRoom) {
  const made: string[] = [];
  let number = 0;
  const look = async (id: string) => (await room().call("GET", `/schedules/${id}`)).body;
  return {
    look,
    async make(more: object): Promise<{ id: string; body: Answer["body"] }> {
      const body = { name: `nightly ${(number += 1)}`, type: "maintenance", payload: { dry_run: true }, ...more };
      const answer = await room().call("POST", "/schedules", { body });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      made.push(answer.body.id);
      return { id: answer.body.id, body: answer.body };
    },
    press: (id: string, action: string) => room().call("POST", `/schedules/${id}/${action}`, { body: {} }),
    /** Of the schedule, once they are as wanted. */
    runs: (id: string, wanted: (runs: Answer["body"][]) => boolean) =>
      until("the runs", async () => {
        const found = (await look(id)).runs;
        return wanted(found) && found;
      }),
    /** Deletes what was made. */
    async clear(): Promise<void> {
      for (const id of made.splice(0)) await room().call("DELETE", `/schedules/${id}`);
    },
  };
}
