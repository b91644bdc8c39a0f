import { readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createVersion } from "../../src/projects/create-version.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { overlayRow } from "../../src/projects/derive-overlay.ts";
import { insertOverlays } from "../../src/projects/overlay-store.ts";
import { editDraft } from "../../src/projects/version-store.ts";
import { findReleaseOfVersion } from "../../src/releases/release-store.ts";
import { stagedManifestKey } from "../../src/storage/keys.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  messages,
  problemsOf,
  publicTile,
  sourceTile,
  tileKeys,
  versionOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { watchPresence } from "../support/presence.ts";
import { expectWhole, publicTiles, releaseFile } from "../support/whole-release.ts";
import type { Draft } from "../support/publishing.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room?.killWorkers());
afterAll(() => room?.close());

describe("objects that are damaged between upload and verify", { timeout: 90_000 }, () => {
  it("are named, put again from the draft, and the publish is completed with the right bytes", async () => {
    await room.worker();
    const draft = await room.draft();
    const recorder = room.record(draft);
    const { job, gate } = await room.publishUpTo(draft, "upload done");
    await truncate(await publicTile(room, draft, 10), 100);
    await rm(await publicTile(room, draft, 70));
    await flipBit(await publicTile(room, draft, 200));
    await swap(await publicTile(room, draft, 250), await publicTile(room, draft, 300));
    await flipBit(await releaseFile(room, draft));
    const [tiles] = (await publicTile(room, draft, 0)).split("tiles_files/");
    await flipBit(`${tiles}tiles.dzi`);
    const descriptor = await readFile(`${tiles}tiles.dzi`);
    await gate.open();

    expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
    expect(await readFile(`${tiles}tiles.dzi`)).not.toEqual(descriptor);
    const keys = await tileKeys(room, draft);
    const named = (await messages(room, job)).filter((message) => message.includes("damaged at the destination"));
    expect(named.sort()).toEqual(
      [
        ...[
          { index: 10, fault: "it has 100 bytes and should have 300" },
          { index: 70, fault: "it is not there" },
          { index: 200, fault: "its SHA-256 differs" },
          { index: 250, fault: "its SHA-256 differs" },
          { index: 300, fault: "its SHA-256 differs" },
        ].map(({ index, fault }) => ({ path: `/tiles/${keys[index]}`, fault })),
        { path: "/tiles.dzi", fault: "its SHA-256 differs" },
        { path: "/release.json", fault: "its content has another digest" },
      ]
        .map(({ path, fault }) => `${path} was damaged at the destination (${fault}) and was put again`)
        .sort(),
    );
    expect(await messages(room, job)).toContainEqual(expect.stringContaining(", 7 of them mended"));
    await expectWhole(room, draft);
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
    expect(await recorder.served()).toEqual([1]);
  });

  it("with the draft's own tiles damaged too fail the publish, each named; what is live is not touched", async () => {
    await room.worker();
    const live = await room.draft();
    const recorder = room.record(live);
    const first = await room.publish(live);
    expect(await room.ended(first)).toMatchObject({ status: "completed" });
    const draft = await room.draft({ project: live });
    const { job, gate } = await room.publishUpTo(draft, "upload done");
    await rm(await publicTile(room, draft, 10));
    await truncate(await sourceTile(room, draft, 10), 100);
    await flipBit(await publicTile(room, draft, 200));
    const lost = await sourceTile(room, draft, 200);
    await rename(lost, `${lost}.away`);
    await rm(await publicTile(room, draft, 250));
    const kept = await readFile(await sourceTile(room, draft, 10));
    await gate.open();

    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "tiles_damaged", switched_at: null });
    const keys = await tileKeys(room, draft);
    expect((await problemsOf(room, job)).map(({ path }) => path).sort()).toEqual(
      [`/tiles/${keys[10]}`, `/tiles/${keys[200]}`].sort(),
    );
    expect(await messages(room, job)).toContainEqual(expect.stringContaining(`/tiles/${keys[250]} was damaged`));
    expect(await findReleaseOfVersion(room.database.em.fork(), draft.version_id)).toBeNull();
    await expectSoundLedger(room, job, ["failed"]);
    expect(await guardOf(room, draft)).toBeNull();
    await expectWhole(room, live);
    const release_id = await expectReleasedOnce(room, live, [first]);
    expect(await recorder.served()).toEqual([1]);
    expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
    // Nobody has written to what was damaged in the draft: it is the operator's to mend.
    expect(await readFile(await sourceTile(room, draft, 10))).toEqual(kept);
  });

  it("of a tile set that a live release shares are mended in place: none of its objects is ever absent", async () => {
    await room.worker();
    const live = await room.draft();
    const recorder = room.record(live);
    expect(await room.ended(await room.publish(live))).toMatchObject({ status: "completed" });
    const draft = await otherOverlays(live);
    const { job, gate } = await room.publishUpTo(draft, "upload done");
    const tiles = await publicTiles(room, live);
    expect(tiles).toEqual(await publicTiles(room, draft));
    for (const path of tiles.slice(50, 250)) await flipBit(path);
    const presence = watchPresence([...tiles, await releaseFile(room, live)]);
    await gate.open();

    expect(await room.ended(job)).toMatchObject({ status: "completed", epoch: 2 });
    const { looks, absent } = await presence.stop();
    console.log(`mending 200 shared tiles: ${looks} looks at each object of the live release`);
    expect(absent).toEqual([]);
    expect(looks).toBeGreaterThan(1);
    const told = await messages(room, job);
    expect(told).toContainEqual(expect.stringContaining(`(${tiles.length} were verified before)`));
    expect(told).toContainEqual(expect.stringContaining(", 200 of them mended"));
    await expectWhole(room, live);
    await expectWhole(room, draft);
    expect(await recorder.served()).toEqual([1, 2]);
  });

  it("is found by looking alone where every byte was read before: what nobody has written is not read again", async () => {
    await room.worker();
    const live = await room.draft();
    expect(await room.ended(await room.publish(live))).toMatchObject({ status: "completed" });
    const draft = await otherOverlays(live);
    const again = await room.publish(draft);
    expect(await room.ended(again)).toMatchObject({ status: "completed" });
    expect(await messages(room, again)).toContainEqual(expect.stringMatching(/unchanged since every byte .* was read/));

    // Same size: only the seal can tell.
    await flipBit(await publicTile(room, live, 200));
    await expectOneMended(await otherOverlays(live));
    await rm(await publicTile(room, live, 10));
    await expectOneMended(await otherOverlays(live));
    await expectWhole(room, live);

    async function expectOneMended(next: Draft): Promise<void> {
      const job = await room.publish(next);
      expect(await room.ended(job)).toMatchObject({ status: "completed" });
      const told = await messages(room, job);
      expect(told).toContainEqual(expect.stringContaining(", 1 of them mended"));
      expect(told).not.toContainEqual(expect.stringContaining("unchanged since"));
      await expectWhole(room, next);
    }
  });
});

it("a manifest that was damaged since its release is generated again, so the release can go on to other environments", async () => {
  await room.worker();
  const draft = await room.draft();
  expect(await room.ended(await room.publish(draft))).toMatchObject({ status: "completed" });
  const path = await stagedManifest(draft);
  const whole = await readFile(path, "utf8");
  const lastLine = whole.lastIndexOf("{");
  const damages = { staging: whole.slice(0, lastLine), production: whole.slice(0, lastLine + 10) } as const;
  for (const [environment, damaged] of Object.entries(damages) as [keyof typeof damages, string][]) {
    await writeFile(path, damaged);
    const job = await room.publish(draft, { environment });
    expect(await room.ended(job)).toMatchObject({ status: "completed" });
    expect(await readFile(path, "utf8")).toBe(whole);
  }
  await expectWhole(room, draft);
}, 90_000);

async function stagedManifest(draft: Draft): Promise<string> {
  const release = await findReleaseOfVersion(room.database.em.fork(), draft.version_id);
  const { tenant, project, number } = await versionOf(room, draft);
  return join(room.storeFolder, "private", stagedManifestKey(tenant, project, number, release?.id ?? ""));
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  const last = bytes.length - 10;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

async function swap(one: string, other: string): Promise<void> {
  await rename(one, `${one}.kept`);
  await rename(other, one);
  await rename(`${one}.kept`, other);
}

/** The same tiles under another config and more overlays, as the product copies versions. */
async function otherOverlays(live: Draft): Promise<Draft> {
  const { tenant_id, project } = live;
  const db = room.database.em.fork();
  const store = room.stores.private;
  const version = await createVersion({ db, store, tenant_id, project, created_by: null, copy_from: 1 });
  const draft = { ...live, version_id: version.id };
  const geometry = { type: "Point", coordinates: [1, 1] };
  const flag = { ref: "flag", type: "flag", layer: null, label: { en: "Flag" }, geometry, properties: {} };
  await editDraft(db, version, async (tx) => {
    await insertOverlays(tx, draft, 1_000, `[${overlayRow({ ...flag, style: null, visible: true })}]`);
    return { changed: await replaceConfig(tx, draft, { title: "Town with a flag" }) };
  });
  return draft;
}
