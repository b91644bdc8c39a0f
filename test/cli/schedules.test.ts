/** `platen schedules`: made, shown, paused and deleted from the command line. Temporal is real; nobody works on what is started. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

let room: CliRoom;
beforeAll(async () => {
  room = await createCliRoom({ PLATEN_RECONCILE_MS: 0 });
});
afterAll(() => room?.close());

it("a schedule is made, listed, paused, run by hand, and deleted", async () => {
  const create = [
    "schedules",
    "create",
    "tidy up",
    "maintenance",
    "--cron",
    "30 2 * * *",
    "--time-zone",
    "Europe/Berlin",
  ];
  const made = await room.platen([...create, "--payload", '{"dry_run": true}']);
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout).toContain("tidy up  maintenance  30 2 * * * Europe/Berlin  next 20");
  expect(made.stdout.match(/^ {2}next /gm)).toHaveLength(5);
  const [id = ""] = made.stdout.split(" ");
  expect((await room.platen(["schedules"])).stdout).toContain(`${id}  tidy up`);
  expect((await room.platen(["schedules", "pause", id])).stdout).toContain("paused");
  expect((await room.platen(["schedules", "trigger", id])).code).toBe(0);
  expect((await room.platen(["schedules", "delete", id])).code).toBe(0);
  expect((await room.platen(["schedules", "list"])).stdout).toContain("There are no schedules.");
  const gone = await room.platen(["schedules", "show", id]);
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("There is no schedule")]);
});

it.each([
  [["--cron", "61 * * * *"], 1, "minute must be 0 to 59: 61"],
  [[], 1, "every_seconds"],
  [["--every", "soon"], 2, "It must be a whole number of seconds."],
  [["--every", "60", "--payload", "[1]"], 2, "It must be a JSON object"],
  [["--every", "60", "--overlap", "perhaps"], 2, "Allowed choices are skip"],
])("refuses %j with exit code %i and says why", async (args, code, says) => {
  const ran = await room.platen(["schedules", "create", "wrong", "maintenance", ...args]);
  expect(ran.stderr).toContain(says);
  expect(ran.code).toBe(code);
});
