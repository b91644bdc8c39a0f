/** A gateway whose disk for temporary files has no room for an upload. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDraft, until } from "../support/publishing.ts";
import { collection, feature } from "../support/geojson.ts";
import { createSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { heldBack, stateOf } from "../support/state-of.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let disk: SmallDisk | null;
let room: GatewayRoom;
const usual = process.env["TMPDIR"];
beforeAll(async () => {
  disk = await createSmallDisk({ megabytes: 1, inodes: 20 });
  room = await startGatewayRoom();
});
afterAll(async () => {
  await room?.close();
  await disk?.close();
});

const full = collection(...Array.from({ length: 5_000 }, (_, i) => feature(`plot-${i}`)));

test.each(["bytes", "inodes"] as const)("no %s left is said so, changes nothing, and passes", async (what) => {
  if (!disk) return;
  const path = `/projects/${(await createDraft(room)).project}/versions/1/overlays`;
  const before = await stateOf(room.database, room.storeFolder);
  await disk.fill(what);
  process.env["TMPDIR"] = disk.folder;
  try {
    const refused = await room.call("PUT", path, { body: full });
    expect(refused).toMatchObject({ status: 507, body: { code: "upload_not_kept" } });
    expect(refused.body.detail).toMatch(/ENOSPC/);
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
    await until("the file to be given back", async () => (await heldBack(room.database, disk!.folder)).length === 0);
    await disk.makeRoom();
    const fits = await room.call("PUT", path, { body: collection(feature("one")) });
    expect(fits).toMatchObject({ status: 200, body: { overlays: 1 } });
  } finally {
    if (usual === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = usual;
  }
});
