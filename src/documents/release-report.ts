/** The report on a release: what was published, what is in it, and what has changed since the release before it. */
import type { Block, Cell, DocumentSpecification, Table } from "../../contract/document-specification.ts";
import { titleOf } from "../../contract/job-title.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { listLayers } from "../projects/content-store.ts";
import { listLive } from "../releases/delivery-store.ts";
import { findReleaseOfVersion, type ReleaseRow } from "../releases/release-store.ts";
import { pointerUrl, releaseKey } from "../storage/keys.ts";
import { changesBetween, releaseBefore, type SubjectVersion } from "./document-store.ts";
import { areaOf, labelIn, overlaysOf } from "./overlays-of.ts";

/** Changes that are listed; more are counted. */
const MAX_CHANGES = 10_000;

export interface ReportOrder {
  db: Db;
  tenant_id: string;
  subject: SubjectVersion;
  title: string;
  /** What links begin with, without a slash at the end. */
  gateway: string;
  signal: AbortSignal;
}

/** Error: not_released. */
export async function releaseReport(order: ReportOrder): Promise<DocumentSpecification> {
  const { db, subject, title, gateway } = order;
  const release = await findReleaseOfVersion(db, subject.id);
  if (!release) {
    throw new AppError("not_released", { reason: `${subject.project} v${subject.number} is a draft` });
  }
  const live = (await listLive(db, { tenant_id: order.tenant_id, project_id: subject.project_id })).filter(
    ({ release_id }) => release_id === release.id,
  );
  const permanent = `${gateway}/${releaseKey(subject.project, release.id)}`;
  const url = live[0] ? `${gateway}${pointerUrl(live[0].environment, subject.project)}` : permanent;
  const content: Block[] = [
    { type: "heading", text: title, level: 1 },
    { type: "paragraph", text: introduction(subject, release, live) },
    facts(subject, release, live, permanent),
    { type: "qr_code", text: url, caption: url },
    { type: "heading", text: "Map", level: 1 },
    { type: "map_view", caption: `${subject.project_name}, version ${subject.number}` },
    { type: "heading", text: "What is in it", level: 1 },
    ...(await tallies(order)),
    { type: "heading", text: "Changes since the last release", level: 1 },
    ...(await changes(order, release)),
    { type: "heading", text: "All overlays", level: 1 },
    ALL_OVERLAYS,
  ];
  return { language: "en", content };
}

const introduction = (
  { project_name, number }: SubjectVersion,
  release: ReleaseRow,
  live: readonly { environment: string }[],
) =>
  `Version ${number} of ${project_name} was published as ${release.id} and is ` +
  `${live.length === 0 ? "not live in any environment" : `live in ${live.map(({ environment }) => environment).join(", ")}`}.`;

function facts(
  { project, project_name, number }: SubjectVersion,
  release: ReleaseRow,
  live: readonly { environment: string; switched_at: string }[],
  permanent: string,
): Table {
  const rows: Cell[][] = [
    ["Project", `${project_name} (${project})`],
    ["Version", number],
    ["Release", release.id],
    ["Published (UTC)", { date: release.published_at }],
    ...live.map(({ environment, switched_at }): Cell[] => [
      `Live in ${environment} since (UTC)`,
      { date: switched_at },
    ]),
    ["SHA-256 of its content", release.digest],
    ["Overlays", release.overlay_count],
    ["Tiles", release.tile_count],
    ["Bytes", release.bytes],
    ["Where it is", { text: permanent, link: permanent }],
  ];
  return {
    type: "table",
    title: "Release",
    columns: [
      { header: "What", width: 28 },
      { header: "Value", width: 70 },
    ],
    rows,
  };
}

interface Tally {
  count: number;
  shown: number;
  area: number;
}

/** One pass over all overlays. */
async function tallies({ db, subject, signal }: ReportOrder): Promise<Table[]> {
  const [types, layers] = [new Map<string, Tally>(), new Map<string, Tally>()];
  const labels = new Map(
    (await listLayers(db, subject.id)).map(({ ref, label }) => [ref, labelIn(label, "en") || ref]),
  );
  for await (const { type, layer, visible, geometry } of overlaysOf(db, subject.id, signal)) {
    const area = areaOf(geometry);
    for (const [sums, name] of [
      [types, type],
      [layers, layer === null ? "(none)" : (labels.get(layer) ?? layer)],
    ] as const) {
      const sum = sums.get(name) ?? { count: 0, shown: 0, area: 0 };
      sums.set(name, { count: sum.count + 1, shown: sum.shown + (visible ? 1 : 0), area: sum.area + area });
    }
  }
  return [tallyTable("Type", types), tallyTable("Layer", layers)];
}

/** With totals: formulas where there are formulas. */
function tallyTable(what: "Type" | "Layer", sums: ReadonlyMap<string, Tally>): Table {
  const hundredths = (value: number): number => Math.round(value * 100) / 100;
  const sorted = [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rows = sorted.map(([name, { count, shown, area }]): Cell[] => [name, count, shown, hundredths(area)]);
  const total = (letter: string, member: keyof Tally): Cell => ({
    formula: `SUM(${letter}2:${letter}${sorted.length + 1})`,
    value: hundredths(sorted.reduce((all, [, sum]) => all + sum[member], 0)),
  });
  if (rows.length > 0) rows.push(["Total", total("B", "count"), total("C", "shown"), total("D", "area")]);
  return {
    type: "table",
    title: `By ${what.toLowerCase()}`,
    columns: [
      { header: what, width: 24 },
      { header: "Overlays", type: "integer", width: 12 },
      { header: "Visible", type: "integer", width: 12 },
      { header: "Area (square units of the map)", type: "number", format: "#,##0.00", width: 32 },
    ],
    rows,
  };
}

async function changes({ db, subject }: ReportOrder, release: ReleaseRow): Promise<Block[]> {
  const before = await releaseBefore(db, {
    project_id: subject.project_id,
    published_at: release.published_at,
    id: release.id,
  });
  if (!before) return [{ type: "paragraph", text: "This is the first release of the project." }];
  const found = await changesBetween(db, { before: before.version_id, after: subject.id, limit: MAX_CHANGES + 1 });
  const named = titleOf("publish", null, { project: subject.project, version: before.version, environment: null });
  const listed = found.slice(0, MAX_CHANGES);
  const count = (change: string): number => listed.filter((each) => each.change === change).length;
  const more = found.length > MAX_CHANGES ? `, and more: the first ${MAX_CHANGES} are listed` : "";
  const text =
    `Compared with ${before.id} (version ${before.version}, ${before.published_at.slice(0, 10)}): ` +
    `${count("added")} added, ${count("removed")} removed, ${count("changed")} changed${more}.`;
  if (listed.length === 0) return [{ type: "paragraph", text: `${text} ${named} has the same overlays.` }];
  const rows = listed.map(({ ref, change, type, label, what }): Cell[] => [
    ref,
    change,
    type,
    labelIn(label, "en"),
    change === "changed" ? what.join(", ") : "",
  ]);
  const columns = [
    { header: "Ref", width: 20 },
    { header: "Change" },
    { header: "Type" },
    { header: "Label", width: 30 },
    { header: "What", width: 30 },
  ];
  return [
    { type: "paragraph", text },
    { type: "table", title: "Changes", columns, rows },
  ];
}

const ALL_OVERLAYS: Table = {
  type: "table",
  title: "Overlays",
  source: "overlays",
  columns: [
    { header: "Ref", field: "ref", width: 20 },
    { header: "Type", field: "type", width: 14 },
    { header: "Layer", field: "layer", width: 14 },
    { header: "Label", field: "label", width: 30 },
    { header: "Area", field: "area", type: "number", format: "#,##0.00", width: 16 },
  ],
};
