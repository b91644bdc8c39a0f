/** The main roads, and the districts that lie between them. */
import type { Point, Ring } from "./geometry.ts";

export interface Named {
  ref: string;
  en: string;
  ar: string;
}

export interface Road extends Named {
  line: Point[];
  /** Carriageway in pixels. */
  width: number;
}

export interface District extends Named {
  /** Convex and clockwise, along the centre lines of the roads around it. */
  ring: Ring;
  /** How the blocks lie: degrees, and pixels of a block and of the streets between. */
  angle: number;
  block: readonly [width: number, height: number];
  street: number;
  /** Plots along a block's long side; each block has two rows. */
  columns: number;
  use: "homes" | "mixed" | "villas" | "trade";
}

export const ROADS: Road[] = [
  {
    ref: "lighthouse-avenue",
    en: "Lighthouse Avenue",
    ar: "جادة المنارة",
    width: 40,
    line: [
      [-40, 762],
      [3368, 438],
    ],
  },
  {
    ref: "church-street",
    en: "Bell Street",
    ar: "شارع الجرس",
    width: 30,
    line: [
      [858, -40],
      [990, 1322],
    ],
  },
  {
    ref: "harbour-road",
    en: "Harbour Road",
    ar: "طريق الميناء",
    width: 34,
    line: [
      [-40, 1430],
      [720, 1352],
      [1490, 1266],
      [1552, 935],
      [1748, 905],
      [2008, 870],
      [2345, 820],
      [2425, 1165],
      [2700, 1128],
    ],
  },
  {
    ref: "market-street",
    en: "Market Street",
    ar: "شارع السوق",
    width: 26,
    line: [
      [962, 1025],
      [1552, 935],
    ],
  },
  {
    ref: "canal-street-west",
    en: "West Canal Street",
    ar: "شارع القناة الغربي",
    width: 26,
    line: [
      [1690, -40],
      [1748, 905],
    ],
  },
  {
    ref: "canal-street-east",
    en: "East Canal Street",
    ar: "شارع القناة الشرقي",
    width: 26,
    line: [
      [1890, -40],
      [2008, 870],
    ],
  },
  {
    ref: "headland-road",
    en: "Headland Road",
    ar: "طريق الرأس",
    width: 30,
    line: [
      [2598, -40],
      [2640, 507],
      [2665, 773],
      [2700, 1128],
    ],
  },
  {
    ref: "sail-street",
    en: "Sail Street",
    ar: "شارع الشراع",
    width: 26,
    line: [
      [2345, 820],
      [2665, 773],
    ],
  },
];

export const DISTRICTS: District[] = [
  {
    ref: "A",
    en: "Upper Town",
    ar: "البلدة العليا",
    ring: [
      [-40, -40],
      [858, -40],
      [927, 669],
      [-40, 762],
    ],
    angle: -9,
    block: [250, 158],
    street: 20,
    columns: 3,
    use: "homes",
  },
  {
    ref: "B",
    en: "Garden Quarter",
    ar: "حي الحديقة",
    ring: [
      [858, -40],
      [1690, -40],
      [1728, 592],
      [927, 669],
    ],
    angle: 5,
    block: [262, 176],
    street: 22,
    columns: 3,
    use: "mixed",
  },
  {
    ref: "C",
    en: "Beach Quarter",
    ar: "حي الشاطئ",
    ring: [
      [-40, 762],
      [927, 669],
      [990, 1322],
      [720, 1352],
      [-40, 1430],
    ],
    angle: -5.5,
    block: [236, 150],
    street: 20,
    columns: 3,
    use: "homes",
  },
  {
    ref: "D",
    en: "Market Quarter",
    ar: "حي السوق",
    ring: [
      [927, 669],
      [1728, 592],
      [1748, 905],
      [962, 1025],
    ],
    angle: -7.5,
    block: [214, 142],
    street: 18,
    columns: 3,
    use: "trade",
  },
  {
    ref: "E",
    en: "Old Harbour",
    ar: "الميناء القديم",
    ring: [
      [962, 1025],
      [1552, 935],
      [1490, 1266],
      [990, 1322],
    ],
    angle: -8,
    block: [176, 126],
    street: 16,
    columns: 3,
    use: "trade",
  },
  {
    ref: "F",
    en: "Mill Quarter",
    ar: "حي الطاحونة",
    ring: [
      [1890, -40],
      [2598, -40],
      [2640, 507],
      [1968, 572],
    ],
    angle: 12,
    block: [232, 160],
    street: 20,
    columns: 3,
    use: "mixed",
  },
  {
    ref: "G",
    en: "Sailmakers",
    ar: "صنّاع الأشرعة",
    ring: [
      [1968, 572],
      [2640, 507],
      [2665, 773],
      [2008, 870],
    ],
    angle: -6.5,
    block: [208, 116],
    street: 18,
    columns: 3,
    use: "mixed",
  },
  {
    ref: "H",
    en: "Fish Quay",
    ar: "رصيف السمك",
    ring: [
      [2345, 820],
      [2665, 773],
      [2700, 1128],
      [2425, 1165],
    ],
    angle: -8,
    block: [150, 130],
    street: 16,
    columns: 2,
    use: "trade",
  },
  {
    ref: "J",
    en: "The Hill",
    ar: "التل",
    ring: [
      [2598, -40],
      [3368, -40],
      [3368, 438],
      [2640, 507],
    ],
    angle: -16,
    block: [262, 196],
    street: 24,
    columns: 2,
    use: "villas",
  },
];
