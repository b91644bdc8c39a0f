/** The ready-made group: what a map is made of goes into a draft, and then it is published. Pure. */
import { GROUP } from "../../../contract/group.ts";
import type { Environment } from "../../../contract/publish.ts";

export interface ImportAndPublish {
  /** Slug. */
  project: string;
  version: number;
  target_environment: Environment;
  /** What its tiles are cut from; the draft's own picture is left alone where there is none here. */
  picture?: { artifact: string };
  /** An SVG: its shapes become layers and overlays. */
  plan?: { artifact: string };
  /** Of a table: properties and labels by ref. */
  rows?: Record<string, unknown> & ({ artifact: string } | { url: string });
}

/** Of progress, by what each takes for a middling map. */
const WEIGHTS = { tiles: 4, plan: 2, rows: 2, publish: 2 } as const;

/**
 * Members for POST /groups. The plan comes before the rows, which name its shapes; both edit the draft, and so do the tiles: one after the
 * other, for a publish demands that its draft stays what it was.
 */
export function importAndPublish(asked: ImportAndPublish): Record<string, unknown> {
  const { project, version, target_environment, picture, plan, rows } = asked;
  const draft = { project, version };
  const { artifact, url, ...how } = rows ?? {};
  const source = artifact === undefined ? { url } : { artifact };
  const wanted = [
    ...(picture ? [{ key: "tiles", type: "tile_generation", payload: { ...draft, source: picture } }] : []),
    ...(plan ? [{ key: "plan", type: "svg_import", payload: { ...draft, source: plan } }] : []),
    ...(rows ? [{ key: "rows", type: "bulk_import", payload: { ...draft, ...how, source } }] : []),
    { key: "publish", type: "publish", payload: { ...draft, target_environment } },
  ];
  const members = wanted.map((member, index) => ({
    ...{ ...member, weight: WEIGHTS[member.key as keyof typeof WEIGHTS] },
    depends_on: wanted.slice(Math.max(0, index - 1), index).map(({ key }) => key),
  }));
  return { members, on_failure: GROUP.payload.properties.on_failure.default };
}
