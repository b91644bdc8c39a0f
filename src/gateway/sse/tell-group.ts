/**
 * Tells one watcher of a group: the group's own events, which alone carry ids and so resume, and the present states of its members, of which a
 * slow client is told the newest only. It ends when the group does, with everything that the group's ledger says of its members' ends.
 */
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { JobTeller, type TellerDeps, type TellerOptions } from "./tell-job.ts";
import { createStatesTeller, type StatesTeller, type StatesTellerDeps } from "./tell-states.ts";
import type { Wire } from "./wire.ts";

export function createGroupTeller(
  deps: TellerDeps & StatesTellerDeps,
  { beginning, job }: Pick<TellerOptions, "beginning"> & { job: JobRecord },
): StatesTeller {
  const { id, tenant_id } = job;
  const events = new JobTeller(deps, { beginning, words: "stream" });
  const members = createStatesTeller(deps, { filter: { tenant_id, group_id: id }, cursor: "", membersOf: id });
  let over = false;

  /** Both write to one wire; whichever ends, the other ends with it. */
  const shared = (wire: Wire): Wire => ({
    get full() {
      return wire.full;
    },
    write: (frames) => {
      if (!over) wire.write(frames);
    },
    end(why) {
      if (over) return;
      over = true;
      events.closed();
      members.closed();
      wire.end(why);
    },
  });
  return {
    begin(wire) {
      const both = shared(wire);
      members.begin(both);
      events.begin(both, job);
    },
    drained() {
      events.drained();
      members.drained();
    },
    closed() {
      over = true;
      events.closed();
      members.closed();
    },
    expire: () => events.expire(),
  };
}
