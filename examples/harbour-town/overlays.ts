/** The overlays of the sample: what is drawn, as GeoJSON in pixels of the picture, with labels in two scripts. */
import { along, area, centre, clip, closed, distance, rectangle, type Point, type Ring } from "./geometry.ts";
import { STREET_NAMES } from "./names.ts";
import { DISTRICTS, ROADS } from "./districts.ts";
import {
  BREAKWATER,
  CANAL,
  COAST,
  HEIGHT,
  LIGHTHOUSE,
  PARK,
  PARK_PATHS,
  PIER,
  PIER_HEAD,
  POND,
  SAND,
  WIDTH,
} from "./plan.ts";
import type { Plot, Town } from "./town.ts";

interface Label {
  en: string;
  ar: string;
}

export interface Feature {
  type: "Feature";
  geometry: { type: "Point" | "LineString" | "Polygon"; coordinates: unknown };
  properties: {
    ref: string;
    type: string;
    label: Label;
    layer: string;
    style?: Record<string, string | number>;
    [more: string]: unknown;
  };
}

/** Layers from the bottom to the top, as project.json lists them. */
export const LAYERS = [
  { ref: "water", label: { en: "Water", ar: "المياه" }, style: { fill: "#3d93a6", opacity: 0.15 } },
  {
    ref: "green",
    label: { en: "Parks and squares", ar: "الحدائق والساحات" },
    style: { fill: "#7fa56a", opacity: 0.25 },
  },
  {
    ref: "districts",
    label: { en: "Districts", ar: "الأحياء" },
    style: { stroke: "#8a7a5c", opacity: 0.6 },
    visible: false,
  },
  { ref: "plots", label: { en: "Plots", ar: "القطع" }, style: { fill: "#e3a47f", stroke: "#b86b50", opacity: 0.35 } },
  { ref: "roads", label: { en: "Roads", ar: "الطرق" }, style: { stroke: "#8a7a5c", width: 3 } },
  { ref: "landmarks", label: { en: "Landmarks", ar: "المعالم" }, style: { fill: "#c8604a" } },
];

const PLOT_STYLES: Record<Plot["use"], { fill: string }> = {
  homes: { fill: "#e3a47f" },
  mixed: { fill: "#d8a39a" },
  villas: { fill: "#d9a98c" },
  trade: { fill: "#a9b7bb" },
};
const USES: Record<Plot["use"], Label> = {
  homes: { en: "Homes", ar: "سكني" },
  mixed: { en: "Homes and shops", ar: "سكني وتجاري" },
  villas: { en: "Villas", ar: "فلل" },
  trade: { en: "Trade", ar: "تجاري" },
};

/** One pixel of the picture is a quarter of a metre. */
const METRES_PER_PIXEL = 0.25;
const PICTURE = rectangle(0, 0, WIDTH, HEIGHT);

/** To a tenth of a pixel; points that fall together become one. */
function rounded(line: readonly Point[]): Point[] {
  const points = line.map(([x, y]): Point => [Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
  return points.filter((point, index) => index === 0 || distance(point, points[index - 1] as Point) > 0);
}

const inside = ([x, y]: Point): Point => [Math.min(WIDTH, Math.max(0, x)), Math.min(HEIGHT, Math.max(0, y))];

/** What of `ring` is on the picture, closed as GeoJSON wants it. */
const polygon = (ring: Ring): Feature["geometry"] => {
  const corners = rounded(closed(clip(area(ring) > 0 ? ring : ring.toReversed(), PICTURE)));
  const [first, last] = [corners[0] as Point, corners.at(-1) as Point];
  return { type: "Polygon", coordinates: [distance(first, last) > 0 ? [...corners, first] : corners] };
};

/** A line whose outer ends are cut off at the picture's edge. */
const line = (points: readonly Point[]): Feature["geometry"] => {
  const cut = points.map((point, index): Point => {
    const neighbour = points[index === 0 ? 1 : index - 1] as Point;
    const edge = inside(point);
    const share = Math.max(
      ...([0, 1] as const).map((axis) =>
        edge[axis] === point[axis] ? 0 : (edge[axis] - point[axis]) / (neighbour[axis] - point[axis]),
      ),
    );
    return along(point, neighbour, share);
  });
  return { type: "LineString", coordinates: rounded(cut) };
};

const feature = (
  geometry: Feature["geometry"],
  layer: string,
  type: string,
  ref: string,
  label: Label,
  more: Record<string, unknown> = {},
): Feature => ({ type: "Feature", geometry, properties: { ref, type, label, layer, ...more } });

const landmark = (at: Point, ref: string, en: string, ar: string, icon: string): Feature =>
  feature(
    { type: "Point", coordinates: rounded([at])[0] },
    "landmarks",
    "landmark",
    ref,
    { en, ar },
    { style: { icon } },
  );

function water(): Feature[] {
  const sea: Ring = [...COAST.toReversed(), [-40, HEIGHT + 40], [WIDTH + 40, HEIGHT + 40]];
  return [
    feature(polygon(sea), "water", "water", "sea", { en: "Harbour Bay", ar: "خليج الميناء" }),
    feature(polygon(CANAL), "water", "water", "old-canal", { en: "Old Canal", ar: "القناة القديمة" }),
    feature(polygon(POND), "water", "water", "park-pond", { en: "Heron Pond", ar: "بركة البلشون" }),
  ];
}

function green(town: Town): Feature[] {
  const block = (kind: string): Ring => town.blocks.find((each) => each.kind === kind)?.ring ?? [];
  return [
    feature(polygon(PARK), "green", "park", "headland-park", { en: "Headland Park", ar: "حديقة الرأس" }),
    feature(polygon(SAND), "green", "beach", "town-beach", { en: "Town Beach", ar: "شاطئ البلدة" }),
    feature(polygon(block("garden")), "green", "park", "rose-garden", { en: "Rose Garden", ar: "حديقة الورد" }),
    feature(polygon(block("square")), "green", "square", "bell-square", { en: "Bell Square", ar: "ساحة الجرس" }),
    feature(polygon(block("school")), "green", "sports", "school-field", { en: "School Field", ar: "ملعب المدرسة" }),
  ];
}

function roads(town: Town): Feature[] {
  const main = ROADS.map(({ ref, en, ar, line: points, width }) =>
    feature(line(points), "roads", "road", ref, { en, ar }, { style: { width }, class: "main" }),
  );
  const longest = town.streets.filter((street) => distance(...street.line) > 300).slice(0, STREET_NAMES.length);
  const streets = longest.map((street, index) => {
    const [en, ar] = STREET_NAMES[index] as (typeof STREET_NAMES)[0];
    const ref = en.toLowerCase().replaceAll(" ", "-");
    return feature(
      line(street.line),
      "roads",
      "road",
      ref,
      { en, ar },
      { style: { width: street.width }, class: "street" },
    );
  });
  const paths = PARK_PATHS.map((path, index) =>
    feature(line(path), "roads", "path", `park-path-${index + 1}`, {
      en: `Park path ${index + 1}`,
      ar: `ممشى الحديقة ${index + 1}`,
    }),
  );
  const quayside = [
    feature(line(PIER), "roads", "pier", "long-pier", { en: "Long Pier", ar: "الرصيف الطويل" }),
    feature(line(BREAKWATER), "roads", "breakwater", "breakwater", { en: "Breakwater", ar: "كاسر الأمواج" }),
  ];
  return [...main, ...streets, ...paths, ...quayside];
}

const ARABIC_DISTRICTS: Record<string, string> = {
  A: "أ",
  B: "ب",
  C: "ج",
  D: "د",
  E: "هـ",
  F: "و",
  G: "ز",
  H: "ح",
  J: "ط",
};

const arabicDigits = (text: string): string => text.replaceAll(/\d/g, (digit) => "٠١٢٣٤٥٦٧٨٩".charAt(Number(digit)));

function plots(town: Town): Feature[] {
  return town.plots.map(({ ref, ring, use, built }) => {
    const [district = "", number = ""] = ref.split("-");
    const label = {
      en: `Plot ${ref}`,
      ar: `قطعة ${ARABIC_DISTRICTS[district]}-${arabicDigits(number)}`,
    };
    const more = {
      style: PLOT_STYLES[use],
      use: USES[use],
      built,
      area_m2: Math.round(area(ring) * METRES_PER_PIXEL ** 2),
    };
    return feature(polygon(ring), "plots", "plot", `plot-${ref.toLowerCase()}`, label, more);
  });
}

function landmarks(town: Town): Feature[] {
  const middle = (kind: string): Point => centre(town.blocks.find((each) => each.kind === kind)?.ring ?? PICTURE);
  return [
    landmark(LIGHTHOUSE, "lighthouse", "Lighthouse", "المنارة", "lighthouse"),
    landmark(
      along(PIER_HEAD[0] as Point, PIER_HEAD[1] as Point, 0.5),
      "pier-pavilion",
      "Pier Pavilion",
      "جناح الرصيف",
      "cafe",
    ),
    landmark(middle("square"), "bell-tower", "Bell Tower", "برج الجرس", "tower"),
    landmark(middle("garden"), "rose-fountain", "Rose Fountain", "نافورة الورد", "fountain"),
    landmark(middle("school"), "school-stadium", "School Stadium", "ملعب المدرسة الكبير", "sports"),
    landmark([2098, 1160], "marina", "Marina", "مرسى القوارب", "marina"),
    landmark([1850, 582], "canal-bridge", "Canal Bridge", "جسر القناة", "bridge"),
    landmark([330, 1510], "bathing-place", "Bathing Place", "مكان السباحة", "beach"),
  ];
}

/** Everything that is drawn and has a name: about 450 features. */
export function createOverlays(town: Town): { type: "FeatureCollection"; features: Feature[] } {
  const districts = DISTRICTS.map(({ ref, en, ar, ring }) =>
    feature(polygon(ring), "districts", "district", `district-${ref.toLowerCase()}`, { en, ar }),
  );
  const features = [...water(), ...green(town), ...districts, ...plots(town), ...roads(town), ...landmarks(town)];
  return { type: "FeatureCollection", features };
}
