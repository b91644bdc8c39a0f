/** A process that listens to changes of jobs on three connections, as three gateways do. Argument: the database's URL. */
import pg from "pg";
import { JOBS_CHANNEL, PROGRESS_CHANNEL } from "../../contract/messages.ts";

const [, , connectionString] = process.argv;
for (let gateway = 0; gateway < 3; gateway += 1) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  client.on("notification", () => undefined);
  await client.query(`listen ${JOBS_CHANNEL}; listen ${PROGRESS_CHANNEL}`);
}
console.error("listening");
