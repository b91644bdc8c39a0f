/** The town as an SVG string. No text in it: fonts differ between machines, labels are overlays. */
import { ROADS } from "./districts.ts";
import { add, type Point, type Ring } from "./geometry.ts";
import { fill, stroke } from "./svg.ts";
import { CANAL, COAST, HEIGHT, LAND, PARK, PARK_PATHS, POND, SAND, WIDTH } from "./plan.ts";
import { drawHarbour, drawQuay } from "./picture-harbour.ts";
import { drawBlock, drawHouse, drawTrees } from "./picture-town.ts";
import { drawWater } from "./picture-water.ts";
import type { Town } from "./town.ts";

function drawRoads(town: Town): string {
  const casing = ROADS.map((road) => stroke(road.line, "#d9cdb8", road.width + 5));
  const surface = ROADS.map((road) => stroke(road.line, "#fdfaf3", road.width));
  const streets = town.streets.map((street) => stroke(street.line, "#f9f4ea", street.width - 5));
  const marks = ROADS.filter(({ width }) => width > 32).map((road) =>
    stroke(road.line, "#e6dcc8", 2, 'stroke-dasharray="16 15"'),
  );
  return [...streets, ...casing, ...surface, ...marks].join("");
}

function drawPark(): string {
  const paths = PARK_PATHS.flatMap((path) => [stroke(path, "#a9bd86", 21), stroke(path, "#f1e8d2", 16)]);
  return [
    fill(PARK, "#bccf9a", 'stroke="#a9bd86" stroke-width="4"'),
    ...paths,
    fill(POND, "#8cc6c6", 'stroke="#eee6cf" stroke-width="9"'),
    fill(POND, "#7dbcc0", 'stroke="#6aadb4" stroke-width="2"'),
  ].join("");
}

function drawCanal(): string {
  const [west, east, eastMouth, westMouth] = CANAL as [Point, Point, Point, Point];
  const shades = '<stop offset="0.9" stop-color="#67b1ba"/><stop offset="1" stop-color="#b4ded6"/>';
  // Three pixels into the basin, so that the quay's edge does not close the mouth.
  const water: Ring = [west, east, add(eastMouth, [1, 3]), add(westMouth, [1, 3])];
  return [
    `<linearGradient id="canal" x2="0.02" y2="1">${shades}</linearGradient>`,
    stroke([west, westMouth], "#bfb196", 12, 'style="stroke-linecap:butt"'),
    stroke([east, eastMouth], "#bfb196", 12, 'style="stroke-linecap:butt"'),
    fill(water, "url(#canal)"),
  ].join("");
}

/** The whole picture, WIDTH × HEIGHT pixels. */
export function drawTown(town: Town): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    drawWater(),
    fill(LAND, "#efe7d6"),
    stroke(COAST, "#cdbd9c", 3),
    fill(SAND, "#f3e0b3"),
    drawPark(),
    drawQuay(),
    drawCanal(),
    drawRoads(town),
    ...town.blocks.map(drawBlock),
    ...town.plots.map((plot) => fill(plot.ring, plot.built ? "none" : "#cfdcae", 'stroke="#e2d7c1" stroke-width="2"')),
    ...town.houses.map(drawHouse),
    drawHarbour(),
    drawTrees(town.trees),
    "</svg>",
  ].join("");
}
