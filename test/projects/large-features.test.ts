import { expect, test } from "vitest";
import { MAX_MEMBERS } from "../../src/json/storable-json.ts";
import { readOverlays, type OverlayForm } from "../../src/projects/read-overlays.ts";

/** With `members` names in all. */
function feature(ref: string, members: number): string {
  const geometry = { type: "Point", coordinates: [1, 2] };
  const own = ["type", "geometry", ...Object.keys(geometry), "properties", "ref"].length;
  const more = Array.from({ length: members - own }, (_, index) => [`name ${index}`, index]);
  return JSON.stringify({ type: "Feature", geometry, properties: { ref, ...Object.fromEntries(more) } });
}

async function refsOf(form: OverlayForm, features: string[]): Promise<string[]> {
  const text =
    form === "collection" ? `{"type":"FeatureCollection","features":[${features.join(",")}]}` : features.join("\n");
  const refs: string[] = [];
  for await (const { ref } of readOverlays(toChunks(text), form)) refs.push(ref);
  return refs;
}

async function* toChunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

test.each(["collection", "sequence"] as const)(
  "a feature of more members than can be handled while others wait is refused, in a %s",
  async (form) => {
    const most = feature("most", MAX_MEMBERS);
    expect(await refsOf(form, [most, most])).toEqual(["most", "most"]);
    const refused = refsOf(form, [most, feature("more", MAX_MEMBERS + 1)]);
    await expect(refused).rejects.toThrow(`it has more than ${MAX_MEMBERS} members`);
  },
);
