/**
 * A plan of a town as Inkscape saves it, of the wanted size: two thirds plots of four to nine corners with a label, the rest buildings,
 * roads with curves, trees that are uses of one symbol, and contour lines of some hundred points.
 */
import { createWriteStream } from "node:fs";
import { once } from "node:events";

const STYLE =
  "stroke-width:0.5;stroke-linecap:round;stroke-linejoin:miter;stroke-miterlimit:4;stroke-dasharray:none;stroke-opacity:1";
const HEAD = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<svg width="20000" height="20000" viewBox="0 0 20000 20000" version="1.1" id="svg1" xmlns="http://www.w3.org/2000/svg"
   xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
   xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd">
  <defs id="defs1"><symbol id="tree" viewBox="-5 -5 10 10"><circle r="4" id="crown"/></symbol></defs>
`;
const LAYERS = ["Plots", "Buildings", "Roads", "Trees", "Contours"] as const;
/** Share of the bytes. */
const SHARE = { Plots: 0.45, Buildings: 0.2, Roads: 0.1, Trees: 0.05, Contours: 0.2 };

const n = (value: number): string => String(Math.round(value * 1_000) / 1_000);

function element(layer: (typeof LAYERS)[number], at: number): string {
  const [x, y] = [(at % 1_000) * 20, (Math.floor(at / 1_000) % 1_000) * 20];
  const wave = (k: number): number => Math.sin(at * 7.3 + k * 1.7);
  if (layer === "Trees")
    return `<use xlink:href="#tree" x="${n(x + wave(1))}" y="${n(y)}" width="6" height="6" id="use${at}"/>`;
  if (layer === "Roads") {
    let d = `m ${n(x)},${n(y)}`;
    for (let k = 0; k < 6; k += 1)
      d += ` c ${n(9 + wave(k))},${n(wave(k + 1))} ${n(18)},${n(wave(k) * 5)} ${n(30)},${n(wave(k + 2) * 9)}`;
    return `<path style="fill:none;stroke:#8a7a5c;${STYLE}" d="${d}" id="path3${at}" inkscape:connector-curvature="0" inkscape:label="Road ${at}"/>`;
  }
  if (layer === "Contours") {
    let d = `M ${n(x)},${n(y)} L`;
    for (let k = 0; k < 200; k += 1) d += ` ${n(x + k * 3 + wave(k))},${n(y + wave(k / 9) * 12)}`;
    return `<path style="fill:none;stroke:#c0a080;${STYLE}" d="${d}" id="path4${at}"/>`;
  }
  const corners = layer === "Buildings" ? 4 : 4 + (at % 6);
  let d = "";
  for (let k = 0; k < corners; k += 1) {
    const angle = (k / corners) * 2 * Math.PI;
    const far = 7 + wave(k) * 1.5;
    d += `${k === 0 ? "M" : " L"} ${n(x + 10 + Math.cos(angle) * far)},${n(y + 10 + Math.sin(angle) * far)}`;
  }
  const path = `<path style="fill:#e3a47f;fill-opacity:1;stroke:#231f20;${STYLE}" d="${d} Z" id="${layer === "Plots" ? "plot-" : "path2"}${at}"${
    layer === "Plots" ? ` data-area="${200 + (at % 977)}" data-status="${at % 3 ? "sold" : "free"}"` : ""
  } sodipodi:nodetypes="${"c".repeat(corners + 1)}"/>`;
  if (layer === "Buildings") return path;
  return `${path}
    <text xml:space="preserve" style="font-size:4px;line-height:1.25;font-family:sans-serif;fill:#000000" x="${n(x + 6)}" y="${n(y + 11)}" id="text${at}"><tspan sodipodi:role="line" id="tspan${at}" x="${n(x + 6)}" y="${n(y + 11)}">Plot ${at}</tspan></text>`;
}

/** Answers the bytes that it has. */
export async function writePlan(path: string, bytes: number): Promise<number> {
  const file = createWriteStream(path);
  let size = 0;
  const write = async (text: string): Promise<void> => {
    size += text.length;
    if (!file.write(text)) await once(file, "drain");
  };
  await write(HEAD);
  for (const layer of LAYERS) {
    await write(`  <g inkscape:groupmode="layer" inkscape:label="${layer}" id="layer-${layer}">\n`);
    const end = size + bytes * SHARE[layer];
    for (let at = 0; size < end; at += 1) await write(`    ${element(layer, at)}\n`);
    await write(`  </g>\n`);
  }
  await write("</svg>\n");
  file.end();
  await once(file, "finish");
  return size;
}
