/** What of the town is fixed by hand: coast, harbour, park. districts.ts has the rest. */
import { smooth, smoothRing, type Point, type Ring } from "./geometry.ts";

/** Pixels. With tiles of 256 pixels this makes 151 tiles over 13 levels. */
export const WIDTH = 3328;
export const HEIGHT = 2048;

const BEACH: Point[] = smooth([
  [-40, 1604],
  [180, 1592],
  [380, 1562],
  [560, 1506],
  [690, 1462],
  [760, 1440],
]);
const HEADLAND: Point[] = smooth([
  [2700, 1210],
  [2800, 1268],
  [2900, 1304],
  [3010, 1296],
  [3110, 1216],
  [3180, 1080],
  [3244, 960],
  [3368, 872],
]);

/** Where land ends, from the left edge to the right: beach, quay, harbour basin, quay, headland. */
export const COAST: Point[] = [
  ...BEACH,
  [1560, 1352],
  [1620, 1010],
  [1800, 985],
  [1960, 962],
  [2290, 915],
  [2350, 1255],
  ...HEADLAND,
];

/** The stone edge of the harbour: the part of the coast without beach and headland. */
export const QUAY: Point[] = COAST.slice(BEACH.length - 1, COAST.length - HEADLAND.length + 1);

/** The two natural shores, where waves run out. */
export const SHORES: Point[][] = [BEACH, HEADLAND];

export const SAND: Ring = [...BEACH, [742, 1396], [-40, 1476]];

export const LAND: Ring = [[-40, -40], [3368, -40], ...COAST.toReversed()];

/** From the hills down to the harbour basin; its last side is the mouth. */
export const CANAL: Ring = [
  [1738, -40],
  [1838, -40],
  [1960, 962],
  [1800, 985],
];

export const PIER: Point[] = [
  [1180, 1394],
  [1236, 1770],
];
export const PIER_HEAD: Point[] = [
  [1140, 1790],
  [1336, 1761],
];

export const BREAKWATER: Point[] = smooth([
  [2880, 1290],
  [2850, 1440],
  [2730, 1560],
  [2560, 1626],
  [2330, 1640],
]);
export const LIGHTHOUSE: Point = [2322, 1640];

export const PARK: Ring = [
  [2700, 566],
  [3368, 502],
  ...smooth([
    [3368, 836],
    [3206, 932],
    [3140, 1060],
    [3074, 1186],
    [2996, 1256],
    [2906, 1262],
    [2820, 1226],
    [2752, 1164],
  ]),
];
export const POND: Ring = smoothRing([
  [2868, 800],
  [2950, 734],
  [3052, 744],
  [3094, 812],
  [3034, 874],
  [2930, 876],
]);
export const PARK_PATHS: Point[][] = [
  smooth([
    [2706, 640],
    [2800, 700],
    [2830, 820],
    [2900, 930],
    [3040, 930],
    [3140, 860],
    [3200, 760],
    [3368, 690],
  ]),
  smooth([
    [2900, 930],
    [2880, 1060],
    [2880, 1160],
    [2890, 1290],
  ]),
  smooth([
    [3040, 930],
    [3060, 1040],
    [2990, 1130],
    [2880, 1160],
  ]),
];

/** Where plots give way to something else: the block next to each point becomes it. */
export const SQUARE: Point = [1330, 800];
export const GARDEN: Point = [1290, 300];
export const SCHOOL: Point = [2330, 250];
