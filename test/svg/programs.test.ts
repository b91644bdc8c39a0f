/** Plans as Inkscape, Illustrator and Figma write them: what people named there is what overlays and layers are called. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Plan } from "../../src/svg/plan.ts";
import { geometryOf, planOf, svg } from "./plan-of.ts";

const fixture = (name: string): Plan => planOf(readFileSync(new URL(`fixtures/${name}.svg`, import.meta.url)));
const brief = ({ overlays }: Plan) =>
  overlays.map((each) => [each.ref, each.layer, each.label, geometryOf(each).type, each.visible] as const);

it("Inkscape: layers by their labels, hidden ones too, names before made-up ids, units of millimetres", () => {
  const plan = fixture("inkscape");
  expect(plan.layers).toEqual([
    {
      ref: "Plots",
      label: { und: "Plots" },
      visible: true,
      group: { element: "g", id: "layer2", line: 10, column: 3 },
    },
    {
      ref: "Roads",
      label: { und: "Roads" },
      visible: false,
      group: { element: "g", id: "layer3", line: 21, column: 3 },
    },
  ]);
  expect(brief(plan)).toEqual([
    ["plot-1", "Plots", { und: "Plot 1", ar: "قطعة ١" }, "Polygon", true],
    ["path21", "Plots", { und: "Two" }, "Polygon", true],
    ["plot-3", "Plots", { und: "Three" }, "Polygon", true],
    ["use1", "Plots", { und: "Two" }, "Polygon", true],
    ["Roads-path-1", "Roads", {}, "LineString", true],
  ]);
  expect(plan.size?.width).toBeCloseTo(400 * (96 / 25.4), 3);
  // 100 mm of 400, on a picture of 400 mm at 96 dpi.
  expect(geometryOf(plan.overlays[0]!).coordinates[0]?.[0]).toEqual([37.795, 37.795]);
  expect(plan.overlays[0]?.properties).toMatchObject({ area_m2: 1200, block: "017", description: "By the sea" });
  expect(plan.overlays[0]?.style).toEqual({ fill: "#ff8800", stroke: "#000000", width: 0.5 });
  expect(plan.leftOut.map(({ code, element }) => [code, element])).toEqual([["svg_element_unsupported", "image"]]);
});

it("Illustrator: names with characters that no id may hold, classes, and the namespaces of its DOCTYPE", () => {
  const plan = fixture("illustrator");
  expect(plan.layers.map(({ ref }) => ref)).toEqual(["Plots & Gardens", "Streets"]);
  expect(brief(plan)).toEqual([
    ["Plot 17", "Plots & Gardens", { und: "17" }, "Polygon", true],
    ["Plots & Gardens-polygon-1", "Plots & Gardens", {}, "Polygon", true],
    ["Main_Street", "Streets", {}, "LineString", true],
    ["Streets-line-1", "Streets", {}, "LineString", true],
  ]);
  expect(plan.overlays[0]?.style).toEqual({ fill: "#E3A47F", stroke: "#231F20" });
  expect(plan.renamed).toEqual([{ from: "Plot_x0020_17", to: "Plot 17" }]);
  expect(plan.leftOutCount).toBe(0);
});

it("Figma: layers within the one frame that holds all, names twice told apart", () => {
  const plan = fixture("figma");
  expect(plan.layers.map(({ ref }) => ref)).toEqual(["Buildings", "Paths"]);
  expect(brief(plan)).toEqual([
    ["House", "Buildings", {}, "Polygon", true],
    ["House-2", "Buildings", {}, "Polygon", true],
    ["Round_2", "Buildings", {}, "Polygon", true],
    ["Walk", "Paths", {}, "LineString", true],
    ["Paths-path-1", "Paths", {}, "Polygon", true],
  ]);
  expect(plan.renamed).toEqual([{ from: "House", to: "House-2" }]);
});

it("labels: languages of attributes, titles and texts; own words before those around", () => {
  const [first, second] = planOf(
    svg(`
      <g id="p" data-status="free" data-price="10.50" xml:lang="en"><rect width="9" height="9" data-label-ar="بيت" data-label="House"
        data-status="sold"><title xml:lang="fr">Maison</title></rect></g>
      <a href="https://example.com/x"><circle id="c" cx="50" cy="50" r="5" aria-label="Round" data-type="tree" label_de="Rund"/></a>`),
  ).overlays;
  expect(first).toMatchObject({
    ref: "p",
    label: { ar: "بيت", en: "House", fr: "Maison" },
    properties: { status: "sold", price: 10.5 },
  });
  expect(second).toMatchObject({
    ref: "c",
    type: "tree",
    label: { und: "Round", de: "Rund" },
    properties: { link: "https://example.com/x" },
  });
});

it("texts: in a shape, beside one, and alone, which become labels of the map", () => {
  const plan = planOf(
    svg(`
      <rect id="site" width="1000" height="1000"/>
      <rect id="a" x="100" y="100" width="100" height="100"/><rect id="b" x="300" y="100" width="100" height="100"/>
      <path id="road" fill="none" d="M0 500H1000"/>
      <text x="110" y="150" font-size="10">Plot A</text><text x="350" y="150" text-anchor="middle" font-size="10">Plot
        <tspan x="350" dy="12">B</tspan></text>
      <text x="500" y="700">North</text><text x="500" y="750">South</text><text x="500" y="800">East</text><text id="w" x="500" y="850">West</text>`),
  );
  expect(plan.overlays.map(({ ref, type, label }) => [ref, type, label])).toEqual([
    ["site", "overlay", {}],
    ["a", "overlay", { und: "Plot A" }],
    ["b", "overlay", { und: "Plot B" }],
    ["road", "overlay", {}],
    ["text-1", "label", { und: "North" }],
    ["text-2", "label", { und: "South" }],
    ["text-3", "label", { und: "East" }],
    ["w", "label", { und: "West" }],
  ]);
  expect(
    planOf(svg(`<path id="road" fill="none" d="M0 500H1000"/><text x="200" y="496" font-size="10">Long Road</text>`))
      .overlays,
  ).toMatchObject([{ ref: "road", label: { und: "Long Road" } }]);
});

it("uses of a group carry the name of each use", () => {
  const plan = planOf(
    svg(`<defs><g id="tree"><circle id="crown" r="5"/><rect id="trunk" x="-1" y="5" width="2" height="5"/></g></defs>
      <use id="t1" href="#tree" x="10"/><use id="t2" href="#tree" x="90" data-kind="oak"/>`),
  );
  expect(plan.overlays.map(({ ref }) => ref)).toEqual(["t1-crown", "t1-trunk", "t2-crown", "t2-trunk"]);
});

it("options: a prefix for layers, a type, and the size of the picture", () => {
  const plan = planOf(
    svg(
      `<g id="L"><rect id="a" width="10" height="10"/><rect id="b" width="1" height="1"/></g>`,
      `viewBox="0 0 100 50"`,
    ),
    {
      ...{ layerPrefix: "plan-", type: "plot", size: { width: 1_000, height: 500 } },
    },
  );
  expect(plan.layers.map(({ ref }) => ref)).toEqual(["plan-L"]);
  expect(plan.overlays[0]).toMatchObject({ type: "plot", layer: "plan-L" });
  expect(geometryOf(plan.overlays[0]!).coordinates[0]?.[2]).toEqual([100, 100]);
});
